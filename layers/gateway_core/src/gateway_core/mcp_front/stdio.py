"""MCP over stdin and stdout: one client with one key, for as long as the process lives.

The process that started us is trusted with the key, so there is no gate: its messages are the SDK's to read.
"""

from __future__ import annotations

from typing import Any, override

import mcp_types
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from mcp.shared.exceptions import MCPError

from gateway_core.access.authenticator import Authenticator
from gateway_core.domain.errors import LLMError
from gateway_core.domain.request_ids import new_request_id
from gateway_core.mcp_front.report import describe_error
from gateway_core.mcp_front.server import create_server
from gateway_core.mcp_front.settings import McpSettings
from gateway_core.mcp_front.visitor import Visitor, visited_by
from gateway_core.ports import Clock, Invoker
from gateway_core.services import Current
from gateway_core.telemetry.telemetry import Telemetry


class StdioServer:
    """The gateway's tools for whoever is at the other end of stdin and stdout."""

    def __init__(
        self,
        invoker: Invoker,
        authenticator: Authenticator,
        settings: Current[McpSettings],
        telemetry: Telemetry,
        clock: Clock,
        key: str,
    ) -> None:
        self._authenticator = authenticator
        self._key = key
        only = OneCaller(key, authenticator, settings, telemetry)
        self._server = create_server(invoker, telemetry, clock, only)

    async def run(self) -> None:
        """Serve until stdin ends. Raises LLMError if the key is not valid."""
        await self._authenticator.authenticate(self._key)
        await self._server.run_stdio_async(show_banner=False)


class OneCaller(Middleware):
    """Makes the visitor of each request. A key that was revoked in the meantime is refused."""

    def __init__(
        self, key: str, authenticator: Authenticator, settings: Current[McpSettings], telemetry: Telemetry
    ) -> None:
        self._key = key
        self._authenticator = authenticator
        self._settings = settings
        self._telemetry = telemetry

    @override
    async def on_request(
        self, context: MiddlewareContext[mcp_types.Request[Any, Any]], call_next: CallNext[Any, Any]
    ) -> Any:
        request_id = new_request_id()
        try:
            caller = await self._authenticator.authenticate(self._key)
        except LLMError as error:
            self._telemetry.request_failed(request_id, error)
            raise MCPError(mcp_types.INVALID_REQUEST, describe_error(error, request_id)) from None
        timeout_s = self._settings.now().default_timeout_s
        with visited_by(Visitor(caller, self._key, request_id, default_timeout_s=timeout_s)):
            return await call_next(context)
