"""POST /v1/embeddings, on OpenAI's wire."""

from __future__ import annotations

import base64
import struct
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import JSONResponse

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
    async def embeddings(request: Request) -> JSONResponse:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        check_tool(caller, TOOL)
        body = validate(EmbeddingsBody, await read_json(request, settings.body_limit))
        asked = _request(body, attribution_of(request, caller, user=body.user), services)
        timeout_s = min(settings.default_timeout_s, time_left_s(request.scope))
        answer = services.gateway.embed(asked, caller, request.state.request_id, timeout_s=timeout_s)
        done = await while_listening(request, answer)
        return JSONResponse(embeddings_body(done, body.encoding_format), headers=gateway_headers(done))

    return routes


def embeddings_body(done: Completion[Embeddings], encoding: str) -> dict[str, Any]:
    """OpenAI's answer."""
    show = _base64 if encoding == "base64" else list
    vectors = enumerate(done.answer.vectors)
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": index, "embedding": show(vector)} for index, vector in vectors],
        "model": done.model.key,
        "usage": {"prompt_tokens": done.usage.input_tokens, "total_tokens": done.usage.total_tokens},
    }


def _request(body: EmbeddingsBody, attribution: Attribution, services: ModelServices) -> EmbedRequest:
    group, model = group_or_model(services.settings.catalog, body.model)
    return EmbedRequest(body.inputs(), attribution, group, model, body.dimensions)


def _base64(vector: tuple[float, ...]) -> str:
    """Little-endian 32-bit floats, as OpenAI sends them."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _tokens(entry: Any) -> tuple[int, ...]:
    return tuple(entry)
