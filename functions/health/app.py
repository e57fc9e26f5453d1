"""GET /health, GET /health/providers and GET /openapi.json. Holds no provider key."""

import os

from gateway_core.api import health, openapi
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services
from gateway_core.lambda_stream import whole_handler

app = create_app(light_services(os.environ), health.router, openapi.router)
handler = whole_handler(app)
