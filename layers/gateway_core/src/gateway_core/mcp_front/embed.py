"""The tool `embed`: POST /v1/embeddings."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway_core.domain.chat import Json
from gateway_core.domain.errors import InvalidRequest
from gateway_core.invocation import HttpRequest
from gateway_core.mcp_front.arguments import Arguments
from gateway_core.mcp_front.operation import Operation, Result, json_body, output_of
from gateway_core.mcp_front.visitor import Visitor

MOST_TEXTS = 512
"""Their vectors, of 3,072 numbers each, are 33 MB of JSON, and all of it is in memory here. The route takes 2,048."""


class EmbedArguments(Arguments):
    """On OpenAI's wire whom a request counts for travels outside the body."""

    input: str | list[str]
    model: Annotated[str, Field(description="Group or model")] = "embedding"
    dimensions: Annotated[int | None, Field(description="Fewer than the model's own")] = None
    project_id: str | None = None
    agent_id: str | None = None
    user_id: str | None = None


def _request(given: EmbedArguments, visitor: Visitor) -> HttpRequest:
    if isinstance(given.input, list) and len(given.input) > MOST_TEXTS:
        raise InvalidRequest(f"input: at most {MOST_TEXTS} texts at once.", param="input")
    body = {"input": given.input, "model": given.model, "dimensions": given.dimensions, "user": given.user_id}
    headers = {"x-project-id": given.project_id, "x-agent-id": given.agent_id}
    return visitor.request(
        "POST",
        "/v1/embeddings",
        headers={name: value for name, value in headers.items() if value},
        body=json_body({name: value for name, value in body.items() if value is not None}),
        timeout_s=visitor.default_timeout_s,
    )


def _result(body: Json) -> Result:
    """The vectors once: as text they would only fill a context window."""
    vectors = [entry["embedding"] for entry in body["data"]]
    text = f"{len(vectors)} vectors of {len(vectors[0])} dimensions by {body['model']}"
    return Result(text, {"model": body["model"], "embeddings": vectors, "usage": body["usage"]})


EMBED = Operation(
    name="embed",
    title="Embed",
    description="Turn texts into vectors, in the order of the input.",
    function="embed",
    arguments=EmbedArguments,
    request=_request,
    result=_result,
    output=output_of(model="string", embeddings="array", usage="object"),
    asks_models=True,
)
