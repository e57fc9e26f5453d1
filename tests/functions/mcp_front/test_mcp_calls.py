"""What a call of a tool has the server do."""

from __future__ import annotations

import pytest
from fastmcp.server.middleware import Middleware

from gateway_core.mcp_front.app import serve_server
from gateway_core.mcp_front.server import create_server
from tests.functions.mcp_front.conftest import MODERN


class Heard(Middleware):
    """The methods that the server was asked, also by itself."""

    def __init__(self):
        self.methods = []

    async def on_request(self, context, call_next):
        self.methods.append(context.method)
        return await call_next(context)


@pytest.mark.parametrize("era", [MODERN, "2025-11-25"])
async def test_a_call_lists_no_tools(mcp, era):
    """Whose arguments come in headers as well is known without: listing all of them takes as long as the call."""
    heard, services = Heard(), mcp.world.services
    server = create_server(mcp.invoker, services.telemetry, services.clock, heard)
    mcp.app = serve_server(server, services.authenticator, mcp.settings, services.telemetry)
    await mcp.call("complete", era=era, messages=[{"role": "user", "content": "hello"}])
    assert heard.methods == ["tools/call"]
