"""The handler called as a plain function, and its streams posted from this process."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from gateway_core.lambda_stream import StreamingHandler, streaming_handler
from gateway_core.lambda_stream.deadline import DeadlineExceededError
from gateway_core.lambda_stream.runtime import StreamingClient, StreamingWorkerClient
from gateway_core.lambda_stream.stream import Stream
from tests.lambda_runtime.emulator.answer import Answer, collect
from tests.lambda_runtime.emulator.events import rest_event, url_event
from tests.lambda_runtime.emulator.runtime_api import End, Failed, RuntimeApi
from tests.patience import patience


class Context:
    """As much of Lambda's context as the runtime reads."""

    def __init__(self, remaining_s: float = 20) -> None:
        self._remaining_ms = round(remaining_s * 1000)

    def get_remaining_time_in_millis(self) -> int:
        return self._remaining_ms


class Scripted:
    """An ASGI app that sends what it is told to, and keeps what it sees."""

    def __init__(self, *messages: dict[str, Any] | BaseException) -> None:
        self.messages = messages
        self.loops: list[asyncio.AbstractEventLoop] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.loops.append(asyncio.get_running_loop())
        await receive()
        for message in self.messages:
            if isinstance(message, BaseException):
                raise message
            await send(message)


START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
HALF = {"type": "http.response.body", "body": b"half", "more_body": True}
LAST = {"type": "http.response.body", "body": b"-last"}


@pytest.fixture
def handler_of() -> Iterator[Callable[..., StreamingHandler]]:
    """Handlers that are closed at the end."""
    made: list[StreamingHandler] = []

    def make(app: Any, **options: Any) -> StreamingHandler:
        made.append(streaming_handler(app, **options))
        return made[-1]

    yield make
    for handler in made:
        handler.close()


def test_a_plain_call_gets_a_whole_answer(handler_of):
    """In the form of the event's version."""
    handler = handler_of(Scripted(START, HALF, LAST))
    answer = handler(rest_event("GET", "/"), None)
    assert (answer["statusCode"], answer["body"], answer["isBase64Encoded"]) == (200, "half-last", False)
    assert handler(url_event("GET", "/"), Context())["body"] == "half-last"


def test_all_calls_share_a_loop(handler_of):
    """It stays open in between."""
    app = Scripted(START, LAST)
    handler = handler_of(app)
    for _ in range(2):
        handler(rest_event("GET", "/"), None)
    first, second = app.loops
    assert first is second
    assert not first.is_closed()


@pytest.mark.parametrize("messages", [(LookupError("early"),), (START, HALF, LookupError("late"))])
def test_a_plain_call_gets_the_apps_error(handler_of, messages):
    """Whether it comes before or after the status."""
    with pytest.raises(LookupError):
        handler_of(Scripted(*messages))(rest_event("GET", "/"), None)


def test_a_plain_call_ends_at_the_deadline(handler_of):
    """The margin is taken from Lambda's own time."""

    async def app(scope, receive, send):
        await asyncio.Event().wait()

    with pytest.raises(DeadlineExceededError):
        handler_of(app, margin_s=20)(rest_event("GET", "/"), Context(20))


def test_an_event_that_is_no_request_is_left_alone(handler_of, caplog):
    """Its keys are logged for debugging, its values are not."""
    app = Scripted()
    with caplog.at_level(logging.DEBUG, "gateway_core.lambda_stream"):
        assert handler_of(app)({"detail": "a secret", "source": "x"}, None) == {"ignored": True}
        assert handler_of(app)("a secret", None) == {"ignored": True}
    assert [record.getMessage() for record in caplog.records] == [
        "no HTTP event: ['detail', 'source']",
        "no HTTP event: str",
    ]
    assert app.loops == []


async def posted(handler: StreamingHandler, api: RuntimeApi, *, remaining_s: float = 20) -> Answer:
    """What the Runtime API gets for one event that passes awslambdaric's seams in this process."""
    client = StreamingClient(api.address)
    answer = asyncio.ensure_future(collect(api.invoke(json.dumps(rest_event("GET", "/")).encode(), patience(20))))
    async with httpx.AsyncClient(base_url=f"http://{api.address}", timeout=patience(30)) as http:
        polled = await http.get("/2018-06-01/runtime/invocation/next")

    def invoke() -> None:
        event = client.marshaller.unmarshal_request(polled.text, polled.headers["content-type"])
        result, content_type = client.marshaller.marshal_response(handler(event, Context(remaining_s)))
        assert isinstance(result, Stream)
        request_id = polled.headers["lambda-runtime-aws-request-id"]
        client.post_invocation_result(request_id, result, content_type, polled.headers["lambda-runtime-invocation-id"])

    await asyncio.to_thread(invoke)
    api.reading.set()
    return await answer


async def test_a_marked_event_gets_a_stream(handler_of):
    """The marshaller marks it, lets the stream through, and the client posts it."""
    async with RuntimeApi().serve() as api:
        answer = await posted(handler_of(Scripted(START, HALF, LAST)), api)
    assert (answer.status, answer.body, answer.last) == (200, b"half-last", End())


async def test_a_stream_without_a_body_gets_one_byte(handler_of):
    """It would hang otherwise."""
    async with RuntimeApi().serve() as api:
        answer = await posted(handler_of(Scripted(START, {"type": "http.response.body"})), api)
    assert answer.body == b"\n"


async def test_a_cut_stream_is_logged_without_the_errors_text(handler_of, caplog):
    """The class and the places of the code are enough to find it."""
    async with RuntimeApi().serve() as api:
        answer = await posted(handler_of(Scripted(START, HALF, ValueError("a secret"))), api)
    assert (answer.body, answer.last.error) == (b"half", "Function.ValueError")
    (record,) = caplog.records
    assert f"The answer of {answer.begin.request_id} was cut: Function.ValueError at " in record.getMessage()
    assert "test_handler.py" in record.getMessage()
    assert "a secret" not in caplog.text


@pytest.mark.parametrize("status", [403, 413])
async def test_a_refused_stream_ends_the_app(handler_of, caplog, status):
    """It hears of a disconnect, and the log has what the Runtime API said."""
    heard = []

    async def app(scope, receive, send):
        await receive()
        await send(START)
        heard.append((await receive())["type"])

    async with RuntimeApi().serve() as api:
        api.refuse_with = status
        answer = await posted(handler_of(app), api)
    assert (answer.last, heard) == (Failed("Runtime.Refused"), ["http.disconnect"])
    assert f"HTTP/1.1 {status}" in caplog.text


async def test_an_answer_that_is_not_accepted_in_the_end_is_logged(handler_of, caplog):
    """Complete as it is, nobody got it."""
    async with RuntimeApi().serve() as api:
        api.reply_with = 500
        await posted(handler_of(Scripted(START, LAST)), api)
    assert "HTTP/1.1 500" in caplog.text


async def test_a_stalled_connection_is_dropped_in_time(handler_of, caplog):
    """Nobody reads: the app is cancelled, the answer given up, and the process free for the next invocation."""

    async def app(scope, receive, send):
        await send(START)
        while True:
            await send({"type": "http.response.body", "body": bytes(65_536), "more_body": True})

    async with RuntimeApi().serve() as api:
        api.reading.clear()
        answer = await posted(handler_of(app, margin_s=patience(0.4)), api, remaining_s=patience(0.6))
    assert answer.last == Failed("Runtime.TruncatedResponse")
    assert "Function.TimeoutError" in caplog.text


async def test_a_connection_that_breaks_is_told_to_the_app(handler_of, caplog):
    """It need not write to hear of it."""
    heard = []

    async def app(scope, receive, send):
        await receive()
        await send(START)
        await send(HALF)
        heard.append((await receive())["type"])

    async with RuntimeApi().serve() as api:
        api.break_after = 2
        answer = await posted(handler_of(app), api)
    assert (answer.body, answer.last, heard) == (b"half", Failed("Runtime.TruncatedResponse"), ["http.disconnect"])
    assert "Function.AnswerRefusedError" in caplog.text


@pytest.mark.parametrize("error", [LookupError("early"), {**START, "headers": [(b"x", b"y" * 20_000)]}])
def test_what_fails_before_the_first_byte_is_raised(handler_of, error):
    """A head that cannot be sent is no better than none."""
    event = StreamingClient.marshaller.unmarshal_request(json.dumps(rest_event("GET", "/")))
    with pytest.raises((LookupError, ValueError)):
        handler_of(Scripted(error, LAST))(event, Context())


async def test_no_connection_is_awslambdarics_to_handle(handler_of, caplog):
    """In plain Lambda it ends the process, in a worker of several it is logged."""
    handler = handler_of(Scripted(START, LAST))
    event = StreamingClient.marshaller.unmarshal_request(json.dumps(rest_event("GET", "/")))
    async with RuntimeApi().serve() as api:
        nowhere = api.address

    def post(client: Any) -> None:
        client.post_invocation_result("id", handler(event, Context()), "type")

    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(post, StreamingClient(nowhere))
    await asyncio.to_thread(post, StreamingWorkerClient(nowhere))
    assert "This won't kill the Runtime loop" in caplog.text


def test_what_is_no_stream_is_marshalled_as_ever():
    """JSON for values, no mark on events that are no objects."""
    marshaller = StreamingClient.marshaller
    assert marshaller.marshal_response({"a": 1}) == ('{"a": 1}', "application/json")
    assert type(marshaller.unmarshal_request("[1]")) is list
