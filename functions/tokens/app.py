"""POST /v1/tokens: count the tokens of a prompt."""

import os

from mangum import Mangum

from gateway_core.api import tokens
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services

app = create_app(model_services(os.environ), tokens.router)
handler = Mangum(app, lifespan="off")
