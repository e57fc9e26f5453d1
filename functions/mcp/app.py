"""POST /mcp: the gateway's tools for MCP clients. Holds no provider key; the other functions do the work."""

import os

from mangum import Mangum

from gateway_core.bootstrap import mcp_app

app = mcp_app(os.environ)
handler = Mangum(app, lifespan="off")
