"""What providers bill, by schedule. Holds the keys that may ask for that, and no others; serves no route."""

import os

from gateway_core.bootstrap.invoices import invoice_checks
from gateway_core.triggers.health_checks import scheduled

handler = scheduled(invoice_checks(os.environ))
