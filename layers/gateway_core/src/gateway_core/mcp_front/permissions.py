"""What a key may see, and which errors leave the MCP library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, override

import mcp_types
from fastmcp.exceptions import DisabledError, FastMCPError, NotFoundError
from fastmcp.prompts.base import Prompt
from fastmcp.resources.base import Resource
from fastmcp.resources.template import ResourceTemplate
from fastmcp.server.middleware import CallNext, Middleware, MiddlewareContext
from fastmcp.tools.base import Tool, ToolResult
from mcp.shared.exceptions import MCPError
from pydantic import ValidationError

from gateway_core.mcp_front.prompts import TaskPrompt
from gateway_core.mcp_front.resources import CatalogResource, ModelTemplate, ReportResource
from gateway_core.mcp_front.tool import FunctionTool
from gateway_core.mcp_front.visitor import current_visitor
from gateway_core.telemetry.telemetry import Telemetry

_MAPPED = (DisabledError, FastMCPError, MCPError, NotFoundError, ValidationError)
"""What the library turns into an answer of its own, without values."""


class Permissions(Middleware):
    """Lists what the key may use. A call of anything else is refused by the tool itself, and by its function."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    @override
    async def on_list_tools(
        self,
        context: MiddlewareContext[mcp_types.ListToolsRequest],
        call_next: CallNext[mcp_types.ListToolsRequest, Sequence[Tool]],
    ) -> Sequence[Tool]:
        visitor = current_visitor()
        return [tool for tool in await call_next(context) if visitor.may_use(_right(tool))]

    @override
    async def on_list_resources(
        self,
        context: MiddlewareContext[mcp_types.ListResourcesRequest],
        call_next: CallNext[mcp_types.ListResourcesRequest, Sequence[Resource]],
    ) -> Sequence[Resource]:
        visitor = current_visitor()
        return [resource for resource in await call_next(context) if visitor.may_use(_right(resource))]

    @override
    async def on_list_resource_templates(
        self,
        context: MiddlewareContext[mcp_types.ListResourceTemplatesRequest],
        call_next: CallNext[mcp_types.ListResourceTemplatesRequest, Sequence[ResourceTemplate]],
    ) -> Sequence[ResourceTemplate]:
        visitor = current_visitor()
        return [template for template in await call_next(context) if visitor.may_use(_right(template))]

    @override
    async def on_list_prompts(
        self,
        context: MiddlewareContext[mcp_types.ListPromptsRequest],
        call_next: CallNext[mcp_types.ListPromptsRequest, Sequence[Prompt]],
    ) -> Sequence[Prompt]:
        visitor = current_visitor()
        return [prompt for prompt in await call_next(context) if visitor.may_use(_right(prompt))]

    @override
    async def on_call_tool(
        self,
        context: MiddlewareContext[mcp_types.CallToolRequestParams],
        call_next: CallNext[mcp_types.CallToolRequestParams, ToolResult],
    ) -> ToolResult:
        # MCP wants a protocol error here; FastMCP would answer with a result that failed.
        server = context.fastmcp_context.fastmcp if context.fastmcp_context else None
        if server is None or await server.get_tool(context.message.name) is None:
            raise MCPError(mcp_types.INVALID_PARAMS, "Unknown tool. Call tools/list for the names.")
        return await call_next(context)

    @override
    async def on_request(
        self, context: MiddlewareContext[mcp_types.Request[Any, Any]], call_next: CallNext[Any, Any]
    ) -> Any:
        try:
            return await call_next(context)
        except _MAPPED:
            raise
        except Exception as error:  # noqa: BLE001 - the SDK would send the text of any other to clients of 2025
            self._telemetry.crashed(current_visitor().request_id, error, context.method or "")
            raise MCPError(mcp_types.INTERNAL_ERROR, "Internal error") from None


def _right(listed: Tool | Resource | ResourceTemplate | Prompt) -> str:
    """The tool that a key has to be allowed, to see this."""
    if isinstance(listed, FunctionTool | ReportResource | CatalogResource | ModelTemplate | TaskPrompt):
        return listed.right
    return listed.name
