"""What the schedules start: probes of the providers, checks of the catalog. Holds provider keys; serves no route."""

import os

from gateway_core.bootstrap import health_checks
from gateway_core.triggers.health_checks import scheduled

handler = scheduled(health_checks(os.environ))
