"""POST /v1/embeddings, on OpenAI's wire."""

import os

from gateway_core.api import embeddings
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services
from gateway_core.lambda_stream import streaming_handler

app = create_app(model_services(os.environ), embeddings.router)
handler = streaming_handler(app)
