"""GET /health and GET /health/providers. Holds no provider key."""

import os

from mangum import Mangum

from gateway_core.api import health
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services

app = create_app(light_services(os.environ), health.router)
handler = Mangum(app, lifespan="off")
