"""POST /v1/complete: a whole answer from whichever model of a group can give it."""

import os

from gateway_core.api import complete
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services
from gateway_core.lambda_stream import streaming_handler

app = create_app(model_services(os.environ), complete.router)
handler = streaming_handler(app)
