"""/admin/*: keys, budgets, holds and the backlog, for operators. Holds no provider key."""

import os

from gateway_core.bootstrap.admin import admin_app
from gateway_core.lambda_stream import whole_handler

app = admin_app(os.environ)
handler = whole_handler(app)
