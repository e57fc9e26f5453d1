"""What reaches the Runtime API: framing, trailers, deadline, backpressure, broken connections."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator

import pytest

from tests.lambda_runtime.emulator.answer import Answer, collect
from tests.lambda_runtime.emulator.events import rest_event
from tests.lambda_runtime.emulator.runtime_api import Begin, Chunk, End, Failed, RuntimeApi


@pytest.fixture
def api(probe) -> Iterator[RuntimeApi]:
    """The probe's Runtime API, which behaves again afterwards."""
    yield probe.api
    probe.api.break_after = probe.api.refuse_with = None


async def ask(probe, target: str, timeout_s: float = 20.0) -> Answer:
    return await collect(probe.invoke(rest_event("GET", target), timeout_s))


async def test_a_stream_is_posted_as_the_runtime_api_wants_it(probe):
    """Streaming mode, the integration's content type, declared trailers, own connection, the invocation's id."""
    answer = await ask(probe, "/echo")
    headers = answer.begin.headers
    assert headers["lambda-runtime-function-response-mode"] == "streaming"
    assert headers["content-type"] == "application/vnd.awslambda.http-integration-response"
    assert headers["trailer"] == "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
    assert headers["connection"] == "close"
    assert headers["lambda-runtime-invocation-id"] == f"{json.loads(answer.body)['request_id']}-1"
    assert answer.last == End()


async def test_the_prelude_goes_out_before_the_body(probe, gate):
    """Status and headers leave at once, in a chunk of their own, before the app has made a byte."""
    async with contextlib.aclosing(probe.invoke(rest_event("GET", "/steps"))) as items:
        assert isinstance(await anext(items), Begin)
        said, app = await gate.hold()
        prelude = await anext(items)
        assert (said, prelude.data[-8:]) == ("before 0", bytes(8))
        gate.release(app)
        await gate.hear()
        await gate.hear()
        assert b"".join([item.data async for item in items if isinstance(item, Chunk)]) == b"".join(
            b"data: %d\n\n" % number for number in range(3)
        )


async def test_a_cut_answer_says_so_by_trailers(probe):
    """They name the error's class, and neither they nor the log quote its text."""
    answer = await ask(probe, "/cut?text=secret+prompt")
    assert answer.body == b"partial"
    assert answer.last.error == "Function.ValueError"
    assert answer.last.detail["errorType"] == "Function.ValueError"
    line = await probe.log.line_with(f"The answer of {answer.begin.request_id} was cut: Function.ValueError")
    assert "probe.py" in line
    assert "secret+prompt" not in "".join(probe.log.lines) + json.dumps(answer.last.detail)


async def test_an_answer_that_the_app_leaves_unfinished_is_cut(probe):
    """Half an answer never looks like a whole one."""
    answer = await ask(probe, "/unfinished")
    assert (answer.body, answer.last.error) == (b"half", "Function.BrokenAnswerError")


@pytest.mark.parametrize(
    ("method", "target", "status", "body"),
    [
        ("GET", "/empty?status=200", 200, b"\n"),
        ("GET", "/empty?status=307", 307, b"\n"),
        ("GET", "/empty?status=204", 204, b""),
        ("GET", "/empty?status=304", 304, b""),
        ("HEAD", "/many-headers", 200, b""),
    ],
)
async def test_an_answer_without_a_body_gets_one_byte(probe, method, target, status, body):
    """A stream of nothing hangs behind function URLs; where HTTP allows no body, nothing is sent."""
    answer = await collect(probe.invoke(rest_event(method, target)))
    assert (answer.status, answer.body, answer.last) == (status, body, End())


async def test_an_error_before_the_status_goes_to_the_error_route(probe):
    """There awslambdaric reports it as it always does."""
    answer = await ask(probe, "/early")
    assert (answer.begin, answer.last.error) == (None, "KeyError")


async def test_more_headers_than_api_gateway_reads_are_a_function_error(probe):
    """It is known before the first byte."""
    assert (await ask(probe, "/huge-headers")).last.error == "ValueError"


async def test_the_app_ends_before_lambda_ends_it(probe, gate):
    """At the deadline the app is cancelled and gets to clean up, and the answer is ended by trailers."""
    answer = await ask(probe, "/hang", timeout_s=0.8)
    assert (answer.body, answer.last.error) == (b"first", "Function.DeadlineExceededError")
    assert await gate.hear() == "cancelled"
    assert (await ask(probe, "/echo")).status == 201


async def test_an_app_that_cannot_be_cancelled_does_not_hold_the_answer(probe, gate):
    """The answer is ended in time all the same."""
    answer = await ask(probe, "/stubborn", timeout_s=0.8)
    assert answer.last.error == "Function.DeadlineExceededError"
    assert await gate.hear() == "waiting"
    assert (await ask(probe, "/echo")).status == 201


async def test_a_reader_that_stalls_stops_the_app(probe, gate):
    """Nobody takes the chunks: the app waits in `send` until the deadline, it does not fill the memory."""
    async with contextlib.aclosing(probe.invoke(rest_event("GET", "/endless"), 1.0)) as items:
        begin = await anext(items)
        sent = int((await gate.hear()).removeprefix("sent "))
        assert 0 < sent * 4_096 < 32 * 1024 * 1024
        await probe.log.line_with(begin.request_id, "was cut: Function.TimeoutError")
    assert (await ask(probe, "/echo")).status == 201


async def test_an_app_that_never_pauses_meets_its_deadline(probe, api, gate, monkeypatch):
    """It is read as fast as it writes, and is cancelled nevertheless. Lambda's limit of bytes is not to come first."""
    monkeypatch.setattr(api, "most_streamed_bytes", sys.maxsize)
    answer = await ask(probe, "/endless", timeout_s=0.8)
    assert answer.last.error == "Function.DeadlineExceededError"
    assert (await gate.hear()).startswith("sent ")


async def test_memory_stays_flat_over_many_chunks(probe):
    """19,000 chunks of 1 KiB after the first thousand add less than 2 MiB to the process's peak."""
    answer = await ask(probe, "/flood")
    assert len(answer.body) == 20_001 * 1024
    assert int(answer.body[-1024:]) < 2048


@pytest.mark.parametrize(("target", "said"), [("/listen", "http.disconnect"), ("/write-on", "ConnectionLostError")])
async def test_a_broken_connection_is_told_to_the_app(probe, api, gate, target, said):
    """Who listens gets `http.disconnect`, who only writes gets an error; the environment serves on."""
    api.break_after = 2
    answer = await ask(probe, target)
    assert answer.last == Failed("Runtime.TruncatedResponse")
    assert await gate.hear() == said
    await probe.log.line_with(answer.begin.request_id, "was cut: Function.AnswerRefusedError")
    api.break_after = None
    assert (await ask(probe, "/echo")).status == 201


async def test_an_answer_that_is_refused_is_logged(probe, api, gate):
    """The app is told as for any broken connection, and the log has the Runtime API's own words."""
    api.refuse_with = 413
    answer = await ask(probe, "/listen")
    assert answer.last == Failed("Runtime.Refused")
    assert await gate.hear() == "http.disconnect"
    await probe.log.line_with("HTTP/1.1 413")
    api.refuse_with = None
    assert (await ask(probe, "/echo")).status == 201


@pytest.mark.parametrize(
    "event",
    [
        {"source": "aws.events", "detail": {}},
        {"invokeCompletionStatus": "done"},
        {"version": "1.0", "requestContext": {"condition": "Success"}, "responsePayload": {}},
        {"requestContext": {"elb": {}}, "httpMethod": "GET", "path": "/"},
        ["a list"],
        None,
    ],
)
async def test_an_event_that_is_no_request_is_acknowledged(probe, event):
    """It is answered whole, and changes nothing."""
    answer = await collect(probe.invoke(event))
    assert json.loads(answer.payload) == {"ignored": True}
    assert answer.begin.headers["content-type"] == "application/json"
    assert answer.last == End()
