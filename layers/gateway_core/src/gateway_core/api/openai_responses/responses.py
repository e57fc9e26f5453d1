"""POST /v1/responses, on OpenAI's wire, streamed or not. Nothing is stored: a response cannot be asked for later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway_core.access.rights import check_tool
from gateway_core.api.auth import identify
from gateway_core.api.body import read_json, validate
from gateway_core.api.chat import COMPLETE_TOOL
from gateway_core.api.complete import gateway_headers
from gateway_core.api.deadline import time_left_s
from gateway_core.api.disconnect import while_listening
from gateway_core.api.openai_responses.answer import ResponseStream, response_body, with_names
from gateway_core.api.openai_responses.schemas import ResponsesBody
from gateway_core.api.openai_wire import attribution_of, group_or_model
from gateway_core.api.routes import Routes
from gateway_core.api.sse import EventStream
from gateway_core.api.stream import TOOL as STREAM_TOOL
from gateway_core.api.stream_answer import start
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest, Json
from gateway_core.domain.errors import InvalidRequest, LLMError, NoWebSocket, UnknownResponse
from gateway_core.domain.result import Completion
from gateway_core.services import Current, ModelServices
from gateway_core.wires.openai_responses.inbound.conversation import unanswered
from gateway_core.wires.openai_responses.inbound.paths import Paths
from gateway_core.wires.openai_responses.inbound.reading import AskedResponse, read
from gateway_core.wires.openai_responses.inbound.response import ResponseFrame
from gateway_core.wires.openai_responses.inbound.tools import sent_tools

_ID_PREFIX, _KEY = "req_", "sec-websocket-key"


def router(source: Current[ModelServices]) -> Routes:
    """The routes, closed over where their services come from."""
    routes = Routes()

    @routes.post("/v1/responses")
    async def create(request: Request) -> Response:
        services = source.now()
        caller = await identify(request, services)
        value = await read_json(request, services.settings.body_limit)
        body = validate(ResponsesBody, value)
        check_tool(caller, STREAM_TOOL if body.stream else COMPLETE_TOOL)
        _check(value)
        asked = read(value)
        origin = attribution_of(request, caller, user=body.user, metadata=body.metadata)
        with _in_the_callers_words(asked.paths):
            return await _answer(request, services, caller, (body, asked, origin))

    @routes.get("/v1/responses")
    async def connect(request: Request) -> Response:
        if _wants_a_socket(request):
            raise NoWebSocket("There is no WebSocket here. Send POST /v1/responses, with stream: true for events.")
        raise HTTPException(405, headers={"allow": "POST"})

    @routes.get("/v1/responses/{response_id}")
    @routes.delete("/v1/responses/{response_id}")
    async def find(request: Request, response_id: str) -> Response:
        await identify(request, source.now())
        raise UnknownResponse(
            f"There is no response '{response_id[:64]}': nothing is kept (store is false). Send the whole input again.",
            param="response_id",
        )

    return routes


async def _answer(
    request: Request,
    services: ModelServices,
    caller: Caller,
    said: tuple[ResponsesBody, AskedResponse, Attribution],
) -> Response:
    body, asked, _origin = said
    settings, request_id = services.settings, request.state.request_id
    longest_s = settings.max_stream_timeout_s if body.stream else settings.default_timeout_s
    chat = _chat_request(*said, settings.catalog, longest_s)
    timeout_s = min(longest_s, time_left_s(request.scope))
    created = services.clock.now_ms() // 1000
    frame = ResponseFrame(asked.spoken.body, asked.names, request_id.removeprefix(_ID_PREFIX), created)
    if not body.stream:

        def compose(done: Completion[ProviderAnswer]) -> Response:
            return JSONResponse(response_body(done, frame), headers=with_names(gateway_headers(done)))

        answer = services.gateway.composed(chat, caller, request_id, compose, timeout_s=timeout_s)
        return await while_listening(request, answer)
    parts = services.gateway.stream(chat, caller, request_id, timeout_s=timeout_s)
    begun = await start(parts, request_id, services.telemetry)
    wire = ResponseStream(frame, request_id, body.model)
    return EventStream(wire.events(begun.parts), with_names(begun.headers), longest_s=timeout_s)


def _chat_request(
    body: ResponsesBody, asked: AskedResponse, origin: Attribution, catalog: Catalog, timeout_s: float
) -> ChatRequest:
    group, model = group_or_model(catalog, body.model)
    return ChatRequest(
        messages=asked.messages,
        attribution=origin,
        model_group=group,
        model=model,
        max_output_tokens=body.max_output_tokens,
        params=asked.params,
        spoken=asked.spoken,
        timeout_s=timeout_s,
        caps_output=True,
        default_output_tokens=catalog.default_agent_output_cap,
    )


def _wants_a_socket(request: Request) -> bool:
    """By what is left of its headers behind proxies, which take out `Upgrade`."""
    beta = request.headers.get("openai-beta", "")
    return "websocket" in f"{request.headers.get('upgrade', '')} {beta}".lower() or _KEY in request.headers


def _check(body: Json) -> None:
    """Raises InvalidRequest for what has the right form, and no provider takes."""
    if odd := unanswered(body):
        raise InvalidRequest(f"{odd.param}: {odd.detail}.", param=odd.param)
    choice = body.get("tool_choice")
    if choice not in (None, "auto", "none") and not sent_tools(body):
        raise InvalidRequest("tool_choice: there are no tools to choose from.", param="tool_choice")


@contextmanager
def _in_the_callers_words(paths: Paths) -> Iterator[None]:
    """Errors name fields of the chat form: here they get the names that the caller knows."""
    try:
        yield
    except LLMError as error:
        error.param = error.param and paths.told(error.param)
        error.message = paths.told(error.message)
        raise
