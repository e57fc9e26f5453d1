"""What was used, what it cost, what is left and held, what providers bill, and the page that shows it.

Holds no provider key.
"""

import os

from gateway_core.api import dashboard, holds, invoices, key, usage
from gateway_core.api.app import create_app
from gateway_core.bootstrap import light_services
from gateway_core.lambda_stream import streaming_handler

PARTS = (usage, holds, key, invoices, dashboard)
app = create_app(light_services(os.environ), *(part.router for part in PARTS))
handler = streaming_handler(app)
