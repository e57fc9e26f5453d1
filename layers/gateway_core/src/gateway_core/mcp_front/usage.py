"""The tool `get_usage`: GET /v1/usage."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.operation import Operation, output_of, whole
from gateway_core.mcp_front.visitor import Visitor


class UsageArguments(Arguments):
    """Named as in the route's query."""

    project_id: Annotated[str | None, Field(description="Default: the key's own")] = None
    start_date: Annotated[str | None, Field(description="YYYY-MM-DD; default 29 days ago")] = None
    end_date: Annotated[str | None, Field(description="Default today")] = None
    agent_id: str | None = None
    user_id: str | None = None
    model: str | None = None
    key_id: Annotated[str | None, Field(description="Its id")] = None
    group_by: Annotated[
        Literal["day", "hour", "model", "provider", "agent", "user", "key", "session", "project"],
        Field(description="Rows"),
    ] = "day"


def _request(given: UsageArguments, visitor: Visitor) -> HttpRequest:
    query = {name: value for name, value in given.given().items() if value is not None}
    return visitor.request("GET", "/v1/usage", query=query)


USAGE = Operation(
    name="get_usage",
    title="Usage report",
    description="Requests, tokens, cost of a project or a part of it.",
    function="usage",
    arguments=UsageArguments,
    request=_request,
    result=whole,
    output=output_of(totals="object", rows="array"),
)
