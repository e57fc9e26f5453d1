"""GET /v1/models. Holds no provider key."""

import os

from gateway_core.api import models
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services
from gateway_core.lambda_stream import whole_handler

app = create_app(light_services(os.environ), models.router)
handler = whole_handler(app)
