"""POST /mcp: the gateway's tools for MCP clients. Holds no provider key; the other functions do the work."""

import os

from gateway_core.bootstrap import mcp_app
from gateway_core.lambda_stream import streaming_handler

app = mcp_app(os.environ)
handler = streaming_handler(app)
