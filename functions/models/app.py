"""GET /v1/models. Holds no provider key."""

import os

from mangum import Mangum

from gateway_core.api import models
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services

app = create_app(light_services(os.environ), models.router)
handler = Mangum(app, lifespan="off")
