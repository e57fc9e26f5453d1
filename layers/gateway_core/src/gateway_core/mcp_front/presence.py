"""What the server says of itself: what it offers, how long that holds, its icon. FastMCP has no settings for these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastmcp import FastMCP
from mcp.server import ServerRequestContext
from mcp.server.caching import CacheHint
from mcp.server.lowlevel.server import NotificationOptions
from mcp_types import SERVER_INFO_META_KEY, DiscoverResult, Icon, RequestParams, ServerCapabilities

_NUMBERS_TTL_MS = 10_000
"""What is read would else count as fresh for as long as the lists do."""
_PNG = (
    "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwAgMAAAAqbBEUAAAADFBMVEUAAAAfKkTyjDgAAACHsaANAAAABHRSTlMA////sy1AiAAA"
    "AFlJREFUeNpjYGBgDQWDAAYGOBvCC4UDBgZGBMcBoQqkDoUjiuCEEMsJDc1aBQYrgRZRgRO6amloaNSqUNI4YEAihxx7BpYjiuAQ"
    "HT+4YxslUaAkF9SEhJTEAJ2+3b6S1zz1AAAAAElFTkSuQmCC"
)


def icons() -> list[Icon]:
    """In the message itself: there is no other place that a client may fetch it from without a key."""
    return [Icon(src=f"data:image/png;base64,{_PNG}", mime_type="image/png", sizes=["48x48"])]


def present(server: FastMCP[Any], schemas: Mapping[str, Mapping[str, Any]]) -> None:
    """Once it has all that it offers; `schemas` has that of the arguments of each tool."""
    protocol = server._mcp_server  # noqa: SLF001 - see above
    # Else each call lists all tools first, to see whether an argument of its tool comes in a header as well.
    protocol.get_tool_input_schema = schemas.get
    protocol.cache_hints["resources/read"] = CacheHint(_NUMBERS_TTL_MS, "private")
    # Without sessions nobody could be told that a list has changed.
    protocol.notification_options = NotificationOptions()
    capabilities, discovered = protocol.get_capabilities, protocol._handle_discover  # noqa: SLF001 - as above
    whole = protocol.server_info_stamp

    def without_apps(*args: Any, **kwargs: Any) -> ServerCapabilities:
        """MCP's apps, which FastMCP announces always, are none of ours."""
        return capabilities(*args, **kwargs).model_copy(update={"extensions": None})

    async def discover(context: ServerRequestContext[Any], params: RequestParams) -> DiscoverResult:
        found = await discovered(context, params)
        return found.model_copy(update={"meta": {SERVER_INFO_META_KEY: whole}})

    protocol.get_capabilities = without_apps  # type: ignore[method-assign]
    protocol.add_request_handler("server/discover", RequestParams, discover)
    # The stamp of every other result, where the icon would be most of what is sent.
    protocol.__dict__["_server_info_stamp_source"] = {name: whole[name] for name in ("name", "version")}
