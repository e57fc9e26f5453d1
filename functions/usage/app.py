"""What was used, what it cost, what is left and held, and the page that shows it. Holds no provider key."""

import os

from mangum import Mangum

from gateway_core.api import dashboard, holds, key, usage
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services

app = create_app(light_services(os.environ), usage.router, holds.router, key.router, dashboard.router)
handler = Mangum(app, lifespan="off")
