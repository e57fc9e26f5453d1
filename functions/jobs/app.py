"""Works on jobs of /ask, as executions of a durable function. Serves no route."""

import os

from gateway_core.bootstrap.jobs import job_handler

handler = job_handler(os.environ)
