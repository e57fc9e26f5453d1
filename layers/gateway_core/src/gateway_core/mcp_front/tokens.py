"""The tool `count_tokens`: POST /v1/tokens."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.operation import Operation, json_body, output_of, whole
from gateway_core.mcp_front.visitor import Visitor


class TokensArguments(Arguments):
    """Either of the first two."""

    messages: list[dict[str, Any]] | None = None
    text: Annotated[str | None, Field(description="Instead of messages")] = None
    model: str


def _request(given: TokensArguments, visitor: Visitor) -> HttpRequest:
    return visitor.request("POST", "/v1/tokens", body=json_body(given.given()))


TOKENS = Operation(
    name="count_tokens",
    title="Count tokens",
    description="Input tokens of a prompt for a model, without calling it.",
    function="tokens",
    arguments=TokensArguments,
    request=_request,
    result=whole,
    output=output_of(model="string", input_tokens="integer", method="string"),
)
