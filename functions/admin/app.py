"""/admin/*: keys, budgets, holds and the backlog, for operators. Holds no provider key."""

import os

from mangum import Mangum

from gateway_core.bootstrap.admin import admin_app

app = admin_app(os.environ)
handler = Mangum(app, lifespan="off")
