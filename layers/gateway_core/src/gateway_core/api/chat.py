"""POST /v1/chat/completions, on OpenAI's wire, streamed or not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway_core.access.rights import check_tool
from gateway_core.api.auth import identify
from gateway_core.api.body import Strict, not_offered, read_json, validate
from gateway_core.api.chat_answer import ChatStream, chat_body
from gateway_core.api.complete import gateway_headers
from gateway_core.api.deadline import time_left_s
from gateway_core.api.disconnect import while_listening
from gateway_core.api.messages import Message
from gateway_core.api.openai_wire import ModelName, attribution_of, group_or_model
from gateway_core.api.routes import Routes
from gateway_core.api.schemas import Options, Tokens, given
from gateway_core.api.sse import EventStream
from gateway_core.api.stream import TOOL as STREAM_TOOL
from gateway_core.api.stream_answer import start
from gateway_core.api.tools import LegacyFunction, Named, SpokenFormat
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, Json, Spoken
from gateway_core.domain.result import Completion
from gateway_core.services import Current, ModelServices
from gateway_core.wires.openai_chat import OPENAI_CHAT

COMPLETE_TOOL = "complete"


def _is_null(value: object) -> None:
    if value is not None:
        raise not_offered("the gateway offers no search by providers: give the model a tool of your own")


type NotOffered = Annotated[Any, AfterValidator(_is_null)]


class StreamOptions(Strict):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatBody(Options):
    """OpenAI's documented fields. Who is asked gets what he knows of them, see `wires`."""

    messages: Annotated[list[Message], Field(min_length=1)]
    model: ModelName
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: str | None = None
    metadata: Annotated[dict[str, str], Field(max_length=16)] | None = None
    cache: bool = False
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    store: bool | None = None
    modalities: Annotated[list[Literal["text", "audio"]], Field(max_length=2)] | None = None
    audio: SpokenFormat | None = None
    functions: Annotated[list[LegacyFunction], Field(min_length=1, max_length=128)] | None = None
    function_call: Literal["none", "auto"] | Named | None = None
    prompt_cache_options: dict[str, Any] | None = None
    moderation: dict[str, Any] | None = None
    web_search_options: NotOffered = None

    @field_validator("max_completion_tokens")
    @classmethod
    def _one_limit(cls, limit: int | None, info: ValidationInfo) -> int | None:
        if limit and info.data.get("max_tokens"):
            raise ValueError("send max_completion_tokens or max_tokens, not both")
        return limit

    @property
    def wants_usage(self) -> bool:
        """Whether the stream is to end with its usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    def to_request(
        self, attribution: Attribution, group: str | None, model: str | None, timeout_s: float, body: Json
    ) -> ChatRequest:
        """The request in `body`, of which this is the checked form."""
        return ChatRequest(
            messages=tuple(body["messages"]),
            attribution=attribution,
            model_group=group,
            model=model,
            max_output_tokens=self.max_completion_tokens or self.max_tokens,
            params=given(_OPTIONS, body),
            spoken=Spoken(OPENAI_CHAT.name, body),
            timeout_s=timeout_s,
            cache=self.cache,
        )


_OPTIONS = ChatBody.model_fields.keys() - {
    "cache",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "metadata",
    "model",
    "stream",
    "stream_options",
    "user",
    "web_search_options",
}
"""What a model is told; the rest is the gateway's."""


def router(source: Current[ModelServices]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes()

    @routes.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        value = await read_json(request, settings.body_limit)
        body = validate(ChatBody, value)
        check_tool(caller, STREAM_TOOL if body.stream else COMPLETE_TOOL)
        origin = attribution_of(request, caller, user=body.user, metadata=body.metadata)
        group, model = group_or_model(settings.catalog, body.model)
        longest_s = settings.max_stream_timeout_s if body.stream else settings.default_timeout_s
        asked = body.to_request(origin, group, model, longest_s, value)
        request_id, timeout_s = request.state.request_id, min(longest_s, time_left_s(request.scope))
        created = services.clock.now_ms() // 1000
        if not body.stream:

            def compose(done: Completion[ProviderAnswer]) -> Response:
                return JSONResponse(chat_body(done, created), headers=gateway_headers(done))

            answer = services.gateway.composed(asked, caller, request_id, compose, timeout_s=timeout_s)
            return await while_listening(request, answer)
        parts = services.gateway.stream(asked, caller, request_id, timeout_s=timeout_s)
        begun = await start(parts, request_id, services.telemetry)
        name = begun.opened.model.key if begun.opened else body.model
        wire = ChatStream(request_id, name, created, with_usage=body.wants_usage)
        return EventStream(wire.events(begun.parts), begun.headers, longest_s=timeout_s)

    return routes
