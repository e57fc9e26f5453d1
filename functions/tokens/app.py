"""POST /v1/tokens and POST /v1/messages/count_tokens: count the tokens of a prompt."""

import os

from mangum import Mangum

from gateway_core.api import tokens
from gateway_core.api.anthropic import counting
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services

app = create_app(model_services(os.environ), tokens.router, counting.router)
handler = Mangum(app, lifespan="off")
