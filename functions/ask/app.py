"""POST /ask: a batch of questions, each answered by the model that it names."""

import os

from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services
from gateway_core.lambda_stream import streaming_handler

app = create_app(model_services(os.environ), ask.router)
handler = streaming_handler(app)
