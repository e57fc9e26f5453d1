"""GET /v1/usage, /v1/usage/records, /v1/budgets and /v1/invoices. Holds no provider key."""

import os

from mangum import Mangum

from gateway_core.api import invoices, usage
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services

app = create_app(light_services(os.environ), usage.router, invoices.router)
handler = Mangum(app, lifespan="off")
