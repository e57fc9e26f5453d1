"""POST /v1/complete: a whole answer from whichever model of a group can give it."""

import os

from mangum import Mangum

from gateway_core.api import complete
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services

app = create_app(model_services(os.environ), complete.router)
handler = Mangum(app, lifespan="off")
