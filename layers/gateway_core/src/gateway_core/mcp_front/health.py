"""The tool `health_check`: GET /health/providers."""

from __future__ import annotations

from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.operation import Operation, output_of, whole
from gateway_core.mcp_front.visitor import Visitor


def _request(_given: Arguments, visitor: Visitor) -> HttpRequest:
    return visitor.request("GET", "/health/providers")


HEALTH = Operation(
    name="health_check",
    title="Provider health",
    description="Status, latency and circuit breakers of each provider; warnings.",
    function="health",
    arguments=Arguments,
    request=_request,
    result=whole,
    output=output_of(providers="array"),
)
