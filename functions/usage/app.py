"""GET /v1/usage, /v1/usage/records and /v1/budgets. Holds no provider key."""

import os

from mangum import Mangum

from gateway_core.api import usage
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services

app = create_app(light_services(os.environ), usage.router)
handler = Mangum(app, lifespan="off")
