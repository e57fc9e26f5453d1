"""The MCP server: which tools there are and how it presents itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastmcp import FastMCP
from fastmcp.server.middleware import Middleware

from gateway_core import __version__
from gateway_core.mcp_front.batch_ask import BATCH_ASK, BatchTool
from gateway_core.mcp_front.complete import COMPLETE
from gateway_core.mcp_front.completions import completions_of
from gateway_core.mcp_front.embed import EMBED
from gateway_core.mcp_front.health import HEALTH
from gateway_core.mcp_front.jobs import BATCH_CANCEL, BATCH_STATUS
from gateway_core.mcp_front.models import MODELS
from gateway_core.mcp_front.operation import Operation
from gateway_core.mcp_front.permissions import Permissions
from gateway_core.mcp_front.presence import icons, present
from gateway_core.mcp_front.prompts import TASKS, TaskPrompt
from gateway_core.mcp_front.reader import Reader
from gateway_core.mcp_front.resources import ModelTemplate, resources_of
from gateway_core.mcp_front.stream_complete import STREAM_COMPLETE, StreamTool
from gateway_core.mcp_front.tokens import TOKENS
from gateway_core.mcp_front.tool import FunctionTool
from gateway_core.mcp_front.usage import USAGE
from gateway_core.ports import Clock, Invoker
from gateway_core.telemetry.telemetry import Telemetry

OPERATIONS: Sequence[tuple[Operation[Any], type[FunctionTool]]] = (
    (COMPLETE, FunctionTool),
    (STREAM_COMPLETE, StreamTool),
    (BATCH_ASK, BatchTool),
    (BATCH_STATUS, FunctionTool),
    (BATCH_CANCEL, FunctionTool),
    (EMBED, FunctionTool),
    (USAGE, FunctionTool),
    (HEALTH, FunctionTool),
    (MODELS, FunctionTool),
    (TOKENS, FunctionTool),
)
"""In the order in which they are listed."""
_INSTRUCTIONS = "Language models of several providers with failover, budgets and a cost record for every call."
_LIST_TTL_S = 300


def create_server(invoker: Invoker, telemetry: Telemetry, clock: Clock, *before: Middleware) -> FastMCP[Any]:
    """A server whose tools call the gateway's functions through `invoker`. Lists are cached per key, not shared.

    `before` comes before all that is ours.
    """
    reader = Reader(invoker, telemetry, clock)
    tools = [kind.of(operation, invoker, telemetry, clock) for operation, kind in OPERATIONS]
    server: FastMCP[Any] = FastMCP(
        "llm-gateway",
        _INSTRUCTIONS,
        version=__version__,
        icons=icons(),
        tools=tools,
        middleware=[*before, Permissions(telemetry)],
        on_duplicate="error",
        mask_error_details=True,
        dereference_schemas=False,
        cache_ttl=_LIST_TTL_S,
        cache_scope="private",
    )
    for resource in resources_of(reader):
        server.add_resource(resource)
    server.add_template(ModelTemplate.of(reader))
    for task in TASKS:
        server.add_prompt(TaskPrompt.of(task))
    server.add_completion_handler(completions_of(reader))
    present(server, {tool.name: tool.parameters for tool in tools})
    return server
