"""POST /ask: a batch of questions, each answered by the model that it names, now or as a job."""

import os
from functools import partial

from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.bootstrap import model_services
from gateway_core.bootstrap.jobs import jobs_for
from gateway_core.lambda_stream import streaming_handler

services = model_services(os.environ)
jobs = jobs_for(os.environ, services)
app = create_app(services, partial(ask.router, jobs=jobs))
handler = streaming_handler(app)
