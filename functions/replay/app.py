"""Settles what waits in the backlog, as SQS hands it over. Serves no route, and holds no provider key."""

import os

from gateway_core.bootstrap import light_services
from gateway_core.triggers.replay import Replayer, queued

handler = queued(Replayer(light_services(os.environ)))
