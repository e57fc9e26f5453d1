"""POST /v1/embeddings, on OpenAI's wire."""

import os

from mangum import Mangum

from gateway_core.api import embeddings
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services

app = create_app(model_services(os.environ), embeddings.router)
handler = Mangum(app, lifespan="off")
