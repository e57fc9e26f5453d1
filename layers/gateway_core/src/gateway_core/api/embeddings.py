"""POST /v1/embeddings, on OpenAI's wire."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from itertools import batched
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from gateway_core.access.rights import check_tool
from gateway_core.api.auth import identify
from gateway_core.api.body import Strict, read_json, validate
from gateway_core.api.complete import gateway_headers
from gateway_core.api.deadline import time_left_s
from gateway_core.api.disconnect import while_listening
from gateway_core.api.openai_wire import ModelName, attribution_of, group_or_model
from gateway_core.api.routes import Routes
from gateway_core.domain.caller import Attribution
from gateway_core.domain.embedding import Embeddings, EmbedRequest
from gateway_core.domain.result import Completion
from gateway_core.services import Current, ModelServices

TOOL = "embed"
MOST_INPUTS = 2048
AT_ONCE = 64
"""Vectors that are one piece of an answer; 2,048 of them with 3,072 numbers each are 130 MB of JSON."""

type Text = Annotated[str, Field(min_length=1)]
type Tokens = Annotated[list[Annotated[int, Field(ge=0, lt=2**31)]], Field(min_length=1)]


class EmbeddingsBody(Strict):
    """OpenAI's documented fields."""

    input: (
        Text
        | Annotated[list[Text], Field(min_length=1, max_length=MOST_INPUTS)]
        | Tokens
        | Annotated[list[Tokens], Field(min_length=1, max_length=MOST_INPUTS)]
    )
    model: ModelName
    dimensions: Annotated[int, Field(ge=1, le=65536)] | None = None
    encoding_format: Literal["float", "base64"] = "float"
    user: str | None = None

    def inputs(self) -> tuple[str | tuple[int, ...], ...]:
        """One entry a vector, whichever of OpenAI's four forms was sent."""
        if isinstance(self.input, str):
            return (self.input,)
        if isinstance(self.input[0], int):
            return (_tokens(self.input),)
        return tuple(entry if isinstance(entry, str) else _tokens(entry) for entry in self.input)


def router(source: Current[ModelServices]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes()

    @routes.post("/v1/embeddings")
    async def embeddings(request: Request) -> Response:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        body = validate(EmbeddingsBody, await read_json(request, settings.body_limit))
        asked = _request(body, attribution_of(request, caller, user=body.user), services)
        timeout_s = min(settings.default_timeout_s, time_left_s(request.scope))
        answer = services.gateway.embed(asked, caller, request.state.request_id, timeout_s=timeout_s)
        done = await while_listening(request, answer)
        headers, pieces = gateway_headers(done), embeddings_text(done, body.encoding_format)
        if len(done.answer.vectors) > AT_ONCE:
            return StreamingResponse(pieces, headers=headers, media_type=JSONResponse.media_type)
        return Response("".join(pieces), headers=headers, media_type=JSONResponse.media_type)

    return routes


def embeddings_text(done: Completion[Embeddings], encoding: str) -> Iterator[str]:
    """OpenAI's answer, so many vectors at a time."""
    show = _base64 if encoding == "base64" else list
    rest = {
        "model": done.model.key,
        "usage": {"prompt_tokens": done.usage.input_tokens, "total_tokens": done.usage.total_tokens},
    }
    yield '{"object":"list","data":['
    for some in batched(enumerate(done.answer.vectors), AT_ONCE):
        rows = [{"object": "embedding", "index": index, "embedding": show(vector)} for index, vector in some]
        yield ("," if rows[0]["index"] else "") + _json(rows)[1:-1]
    yield f"],{_json(rest)[1:]}"


def _request(body: EmbeddingsBody, attribution: Attribution, services: ModelServices) -> EmbedRequest:
    group, model = group_or_model(services.settings.catalog, body.model)
    return EmbedRequest(body.inputs(), attribution, group, model, body.dimensions)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _base64(vector: tuple[float, ...]) -> str:
    """Little-endian 32-bit floats, as OpenAI sends them."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _tokens(entry: Any) -> tuple[int, ...]:
    return tuple(entry)
