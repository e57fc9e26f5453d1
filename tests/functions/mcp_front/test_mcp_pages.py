"""Web pages that call /mcp: those of this machine, and those that are listed."""

import pytest

from gateway_core.mcp_front.settings import McpSettings
from tests.functions.mcp_front.conftest import MODERN, McpWorld, message

LIST = message("tools/list", MODERN, {})


async def test_a_listed_page_may_call_and_read(mcp):
    """The browser asks first, and then lets the page see the answer."""
    page = "https://app.example.com"
    listed = McpWorld(mcp.world, McpSettings(allowed_origins=(page,), is_local=True))
    asked = {"access_control_request_method": "POST", "access_control_request_headers": "authorization,mcp-method"}
    preflight = await listed.send(b"", "OPTIONS", origin=page, **asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, page)
    answer = await listed.send(LIST[1], origin=page, **LIST[0])
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, page)
    assert (await listed.send(b"", "OPTIONS", origin="https://evil.example", **asked)).status_code == 400


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("page", ["http://localhost:6274", "http://127.0.0.1:6274", "http://[::1]:6274"])
async def test_a_page_of_this_machine_may_ask_for_anything(mcp, method, page):
    """An inspector opens a stream and ends a session: it is to read the 405, and every header that says something."""
    names = "mcp-session-id,last-event-id,mcp-param-region,traceparent,mcp-protocol-version,authorization"
    asked = {"access_control_request_method": method, "access_control_request_headers": names}
    preflight = await mcp.send(b"", "OPTIONS", origin=page, x_api_key="", **asked)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, page)
    assert method in preflight.headers["access-control-allow-methods"]
    assert preflight.headers["access-control-allow-headers"] == names
    answer = await mcp.send(LIST[1], method, origin=page, **LIST[0])
    assert answer.status_code == (200 if method == "POST" else 405)
    assert answer.headers["access-control-allow-origin"] == page
    assert {"www-authenticate", "retry-after", "x-request-id"} <= set(
        answer.headers["access-control-expose-headers"].split(", ")
    )
