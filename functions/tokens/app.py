"""POST /v1/tokens and POST /v1/messages/count_tokens: count the tokens of a prompt."""

import os

from gateway_core.api import tokens
from gateway_core.api.anthropic import counting
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services
from gateway_core.lambda_stream import whole_handler

app = create_app(model_services(os.environ), tokens.router, counting.router)
handler = whole_handler(app)
