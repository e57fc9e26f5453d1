"""POST /v1/messages, on Anthropic's wire, streamed or not, on any model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway_core.access.rights import check_tool
from gateway_core.api.anthropic.answers import (
    in_callers_words,
    message_events,
    stream_headers,
    whole_answer,
)
from gateway_core.api.anthropic.beyond import without_unknown
from gateway_core.api.anthropic.form import ANTHROPIC_FORM
from gateway_core.api.anthropic.schemas import MessagesBody
from gateway_core.api.auth import identify
from gateway_core.api.body import read_json, validate
from gateway_core.api.chat import COMPLETE_TOOL
from gateway_core.api.deadline import time_left_s
from gateway_core.api.disconnect import while_listening
from gateway_core.api.openai_wire import attribution_of, group_or_model
from gateway_core.api.routes import Routes
from gateway_core.api.sse import EventStream
from gateway_core.api.stream import TOOL as STREAM_TOOL
from gateway_core.api.stream_answer import start
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.caller import Caller
from gateway_core.domain.chat import ChatRequest, Json
from gateway_core.domain.errors import InvalidRequest, LLMError
from gateway_core.domain.result import Completion
from gateway_core.services import Current, ModelServices
from gateway_core.wires.anthropic.caching import marks_in
from gateway_core.wires.anthropic.inbound.request import Inbound, inbound

_MOST_MARKS = 4


def router(source: Current[ModelServices]) -> Routes:
    """The route, closed over where its services come from."""
    routes = Routes(ANTHROPIC_FORM)

    @routes.post("/v1/messages")
    async def messages(request: Request) -> Response:
        services = source.now()
        settings = services.settings
        caller = await identify(request, services)
        headers = wire_headers(request)
        came = await read_json(request, settings.body_limit)
        value, left = without_unknown(MessagesBody, came, headers.get("anthropic-beta", ""))
        body = validate(MessagesBody, value)
        check_tool(caller, STREAM_TOOL if body.stream else COMPLETE_TOOL)
        check_marks(value)
        asked = inbound(value, headers, left)
        _check_talk(asked)
        longest_s = settings.max_stream_timeout_s if body.stream else settings.default_timeout_s
        chat = _chat_request(body, asked, request, caller, services, longest_s)
        with telling(asked):
            answer = _streamed if body.stream else _whole
            return await answer(request, services, caller, chat, asked)

    return routes


def check_marks(body: Json) -> None:
    """Raises InvalidRequest for more marks than Anthropic takes."""
    if sum(1 for _ in marks_in(body)) > _MOST_MARKS:
        raise InvalidRequest(f"cache_control: a request may have {_MOST_MARKS} of them.", param="cache_control")


def _check_talk(asked: Inbound) -> None:
    """Raises InvalidRequest where only efforts of turns are said, and nothing to a model."""
    if not asked.messages:
        raise InvalidRequest("messages: nothing is said in them.", param="messages")


def wire_headers(request: Request) -> dict[str, str]:
    """The request's headers, each of which may come several times."""
    return {name: ",".join(request.headers.getlist(name)) for name in request.headers}


@contextmanager
def telling(asked: Inbound) -> Iterator[None]:
    """Errors that come out of it name fields as the caller knows them."""
    try:
        yield
    except LLMError as error:
        raise in_callers_words(error, asked) from None


def _chat_request(
    body: MessagesBody, asked: Inbound, request: Request, caller: Caller, services: ModelServices, timeout_s: float
) -> ChatRequest:
    group, model = group_or_model(services.settings.catalog, body.model)
    return ChatRequest(
        messages=asked.messages,
        attribution=attribution_of(request, caller),
        model_group=group,
        model=model,
        max_output_tokens=body.max_tokens,
        params=asked.params,
        spoken=asked.spoken,
        timeout_s=timeout_s,
        caps_output=True,
    )


async def _whole(
    request: Request, services: ModelServices, caller: Caller, chat: ChatRequest, asked: Inbound
) -> Response:
    timeout_s = min(chat.timeout_s, time_left_s(request.scope))

    def compose(done: Completion[ProviderAnswer]) -> Response:
        body, headers = whole_answer(done, asked)
        return JSONResponse(body, headers=headers)

    answer = services.gateway.composed(chat, caller, request.state.request_id, compose, timeout_s=timeout_s)
    return await while_listening(request, answer)


async def _streamed(
    request: Request, services: ModelServices, caller: Caller, chat: ChatRequest, asked: Inbound
) -> Response:
    request_id, timeout_s = request.state.request_id, min(chat.timeout_s, time_left_s(request.scope))
    parts = services.gateway.stream(chat, caller, request_id, timeout_s=timeout_s)
    begun = await start(parts, request_id, services.telemetry)
    name = begun.opened.model.key if begun.opened else chat.model or chat.model_group or ""
    events = message_events(begun.parts, name, request_id, asked)
    return EventStream(events, stream_headers(begun.headers), longest_s=timeout_s)
