"""The ASGI side alone: the order of messages, the disconnect, the deadline."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.responses import StreamingResponse

from gateway_core.lambda_stream.deadline import Deadline, DeadlineExceededError
from gateway_core.lambda_stream.exchange import BrokenAnswerError, ConnectionLostError, LambdaExchange
from gateway_core.lambda_stream.request import read_event
from tests.lambda_runtime.emulator.events import rest_event

START = {"type": "http.response.start", "status": 200, "headers": []}


class Listed:
    """Implements `Sink`: keeps the chunks, until the reader goes away."""

    def __init__(self, room: int = 100) -> None:
        self.chunks: list[bytes] = []
        self._room = room

    async def write(self, data: bytes) -> None:
        if len(self.chunks) == self._room:
            raise BrokenPipeError
        self.chunks.append(data)


def exchange(app: Any, deadline: Deadline | None = None) -> LambdaExchange:
    return LambdaExchange(app, read_event(rest_event("POST", "/", body=b"sent"), None), deadline or Deadline())


def body(data: bytes, *, more: bool = True) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


async def test_the_app_waits_with_its_body_until_somebody_listens():
    """The head is known first; `play` then takes the rest."""
    made = []

    async def app(scope, receive, send):
        await send(START)
        for number in range(2):
            await send(body(b"%d" % number))
            made.append(number)
        await send(body(b"", more=False))
        assert await receive() == {"type": "http.request", "body": b"sent", "more_body": False}
        assert await receive() == {"type": "http.disconnect"}

    running, sink = exchange(app), Listed()
    assert (await running.head()).status == 200
    assert made == []
    assert await running.play(sink) is None
    assert (sink.chunks, made, running.has_written) == ([b"0", b"1"], [0, 1], True)


@pytest.mark.parametrize(
    "messages",
    [[body(b"early")], [{"type": "http.response.push"}], []],
    ids=["body first", "unknown", "nothing"],
)
async def test_an_answer_has_to_begin_with_its_head(messages):
    """Anything else is an error of the app, and known before the first byte."""

    async def app(scope, receive, send):
        for message in messages:
            await send(message)

    with pytest.raises(BrokenAnswerError):
        await exchange(app).head()


@pytest.mark.parametrize(
    "messages",
    [[START], [body(b"half")]],
    ids=["second head", "no end"],
)
async def test_an_answer_has_to_end_once(messages):
    """Whatever the app does wrong after the head is what `play` returns."""

    async def app(scope, receive, send):
        for message in (START, *messages):
            await send(message)

    running = exchange(app)
    await running.head()
    assert isinstance(await running.play(Listed()), BrokenAnswerError)


async def test_a_failure_after_the_end_does_not_cut_the_answer(caplog):
    """The answer was complete; the failure is logged, without its text."""

    async def app(scope, receive, send):
        for message in (START, body(b"whole", more=False), body(b"a secret")):
            await send(message)

    running, sink = exchange(app), Listed()
    await running.head()
    assert await running.play(sink) is None
    assert sink.chunks == [b"whole"]
    assert "The app failed after its answer: Function.BrokenAnswerError at " in caplog.text


async def test_what_the_app_raises_is_handed_on():
    """Before the head it is raised, after it returned. A timeout of its own is not ours."""

    async def early(scope, receive, send):
        raise TimeoutError("its own")

    async def late(scope, receive, send):
        await send(START)
        raise LookupError

    with pytest.raises(TimeoutError, match="its own"):
        await exchange(early).head()
    running = exchange(late)
    await running.head()
    assert isinstance(await running.play(Listed()), LookupError)


async def test_a_write_that_fails_is_a_disconnect():
    """The first one is dropped, so that a listener can end in order; the next one raises."""
    seen: list[Any] = []

    async def app(scope, receive, send):
        await receive()
        await send(START)
        await send(body(b"first"))
        await send(body(b"lost"))
        seen.append(await receive())
        try:
            await send(body(b"late"))
        except OSError as error:
            seen.append(type(error))

    running, sink = exchange(app), Listed(room=1)
    await running.head()
    assert await running.play(sink) is None
    assert (running.is_lost, sink.chunks) == (True, [b"first"])
    assert seen == [{"type": "http.disconnect"}, ConnectionLostError]


async def test_starlette_ends_a_stream_that_nobody_reads():
    """Its StreamingResponse listens for the disconnect while the next chunk is not there yet."""
    reached, ended = asyncio.Event(), asyncio.Event()

    async def chunks():
        try:
            yield b"first"
            reached.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    running = exchange(StreamingResponse(chunks()))
    await running.head()
    playing = asyncio.ensure_future(running.play(Listed()))
    await reached.wait()
    running.hang_up()
    assert await playing is None
    assert ended.is_set()


async def test_the_deadline_cancels_the_app():
    """It may clean up, and its cancellation is told from one of its own."""
    cleaned = []

    async def app(scope, receive, send):
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append("up")

    now = asyncio.get_running_loop().time()
    with pytest.raises(DeadlineExceededError):
        await exchange(app, Deadline(now, now + 5, now + 5)).head()
    assert cleaned == ["up"]


async def test_an_app_that_stays_is_left_behind():
    """`head` and `play` end on time; `stop` asks once more."""
    asked = 0

    async def app(scope, receive, send):
        nonlocal asked
        while asked < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                asked += 1

    now = asyncio.get_running_loop().time()
    running = exchange(app, Deadline(now, now + 0.05, now + 5))
    with pytest.raises(DeadlineExceededError):
        await running.head()
    await running.stop()
    assert asked == 2


async def test_a_context_without_a_clock_sets_no_deadline():
    """As in tests and local calls; Lambda's context leaves the margin for the end."""

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 60_000

    assert Deadline.of(None, 0.5) == Deadline(None, None, None)
    now = asyncio.get_running_loop().time()
    found = Deadline.of(Context(), 4.0)
    assert found.cancel_at == pytest.approx(now + 56, abs=1)
    assert (found.leave_at, found.drop_at) == (found.cancel_at + 2, found.cancel_at + 3)
