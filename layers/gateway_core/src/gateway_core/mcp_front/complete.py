"""The tool `complete`: POST /v1/complete."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from gateway_core.domain.chat import Json, Requirement
from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.operation import Operation, Result, json_body, output_of
from gateway_core.mcp_front.visitor import Visitor


class CompleteArguments(Arguments):
    """Named as on the route, which knows the limits."""

    messages: Annotated[list[dict[str, Any]], Field(description="OpenAI's; images as data URLs")]
    model_group: Annotated[str, Field(description="reasoning, code, fast, vision or your own")] = "reasoning"
    model: Annotated[str | None, Field(description="From list_models, not a group")] = None
    max_tokens: Annotated[int, Field(description="Of the answer")] = 4096
    temperature: Annotated[float | None, Field(description="0 to 2")] = 0.7
    project_id: Annotated[str | None, Field(description="Default: the key's own")] = None
    agent_id: Annotated[str | None, Field(description="For usage reports")] = None
    user_id: Annotated[str | None, Field(description="As agent_id")] = None
    fallback: Annotated[bool | None, Field(description="Try others on failure")] = None
    routing: Annotated[Literal["order", "cost", "latency"], Field(description="Preference")] = "order"
    require: Annotated[
        list[Requirement],
        Field(description="Abilities it needs", default_factory=list),
    ]
    timeout_s: Annotated[float | None, Field(description="At most 290")] = None
    token_budget: Annotated[int | None, Field(description="Most tokens, in and out")] = None
    cache: Annotated[bool, Field(description="Allow an equal earlier answer")] = False
    explain: Annotated[bool, Field(description="Say why")] = False
    tools: Annotated[list[dict[str, Any]] | None, Field(description="As OpenAI's, like the rest")] = None
    tool_choice: Annotated[Any, Field(description="auto, none, required or a function")] = None
    response_format: Annotated[dict[str, Any] | None, Field(description="JSON mode or schema")] = None
    stop: Annotated[Any, Field(description="Up to 4")] = None
    reasoning_effort: Annotated[str | None, Field(description="none to high")] = None


def _request(given: CompleteArguments, visitor: Visitor) -> HttpRequest:
    # What the route will refuse is no deadline of ours.
    limit_s = given.timeout_s if given.timeout_s and given.timeout_s > 0 else visitor.default_timeout_s
    return visitor.request("POST", "/v1/complete", body=json_body(given.given()), timeout_s=limit_s)


def _result(body: Json) -> Result:
    """The answer alone as text: plain clients show it as it is."""
    return Result(body["content"] or json.dumps(body["tool_calls"]), dict(body))


COMPLETE = Operation(
    name="complete",
    title="Complete",
    description="Ask a language model; another takes over if it fails.",
    function="complete",
    arguments=CompleteArguments,
    request=_request,
    result=_result,
    output=output_of(
        content="string",
        tool_calls="array",
        model="string",
        provider="string",
        finish_reason="string",
        usage="object",
        cost="object",
        attempts="array",
    ),
    asks_models=True,
)
