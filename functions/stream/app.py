"""POST /v1/stream, POST /v1/chat/completions and POST /v1/responses."""

import os

from gateway_core.api import chat, responses, stream
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services
from gateway_core.lambda_stream import streaming_handler

app = create_app(model_services(os.environ), stream.router, chat.router, responses.router)
handler = streaming_handler(app)
