"""POST /v1/stream, and the wires of clients: POST /v1/chat/completions, /v1/messages and /v1/responses."""

import os

from gateway_core.api import chat, stream
from gateway_core.api.anthropic import messages
from gateway_core.api.app import create_app
from gateway_core.api.openai_responses import responses
from gateway_core.bootstrap import model_services
from gateway_core.lambda_stream import streaming_handler

app = create_app(model_services(os.environ), stream.router, chat.router, messages.router, responses.router)
handler = streaming_handler(app)
