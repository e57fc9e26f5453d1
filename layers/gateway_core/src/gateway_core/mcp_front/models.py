"""The tool `list_models`: GET /v1/models."""

from __future__ import annotations

from gateway_core.domain.chat import Json
from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.operation import Operation, Result, output_of, whole
from gateway_core.mcp_front.visitor import Visitor

_OPENAI_ONLY = frozenset({"object", "created", "owned_by"})
"""What OpenAI's wire wants and no model needs to know."""
_OF_A_GROUP = ("id", "models", "mode", "capabilities", "context_window", "max_output_tokens")
"""The rest is told of its models."""


def _request(_given: Arguments, visitor: Visitor) -> HttpRequest:
    return visitor.request("GET", "/v1/models")


def _result(body: Json) -> Result:
    groups = [{name: entry[name] for name in _OF_A_GROUP} for entry in body["data"] if "models" in entry]
    models = [
        {name: value for name, value in entry.items() if name not in _OPENAI_ONLY}
        for entry in body["data"]
        if "models" not in entry
    ]
    return whole({"models": models, "groups": groups})


MODELS = Operation(
    name="list_models",
    title="Models",
    description="Models and groups that the key may use: capabilities, context window, prices, lifecycle, health.",
    function="models",
    arguments=Arguments,
    request=_request,
    result=_result,
    output=output_of(models="array", groups="array"),
)
