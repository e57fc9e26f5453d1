"""The MCP front: tool calls in, invocations of the other functions out. It holds no provider key and calls no model.

    client -> app (Host, Origin, key, strict JSON-RPC) -> FastMCP -> tool -> Invoker -> function

The caller's own key travels on with each invocation, so that the functions hold permissions, budgets and limits; here
a key only decides which tools are listed. Not named `mcp`: that is the SDK's.
"""

from gateway_core.mcp_front.deferral import load

# Before any module of this room imports FastMCP for itself.
load()
