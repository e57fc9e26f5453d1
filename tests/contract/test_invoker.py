"""One suite for every way to call a function: in process, and through Lambda, with and without its streaming."""

import asyncio
import json

import pytest

from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.adapters.invoke_lambda import MOST_EVENT_BYTES, WholeInvoker
from gateway_core.domain.errors import BodyTooLarge, DeadlineExceeded, RateLimited
from gateway_core.invocation import FunctionUnavailable, HttpRequest
from local.serving import serve
from tests.contract.invoked_app import APP, ASKED, RELEASED
from tests.contract.lambda_stub import LambdaStub, against
from tests.loop_time import ends_after

NAMES = {"work": "gateway-Work-1", "other": "gateway-Other-2"}
WAYS = ("asgi", "lambda-buffered", "lambda-streaming", "lambda-whole")


@pytest.fixture(scope="module")
def stubs():
    """Lambda with functions that answer whole, and with functions that stream."""
    return {streams: LambdaStub(dict.fromkeys(NAMES.values(), APP), streams) for streams in (False, True)}


@pytest.fixture(scope="module")
def lambdas(stubs):
    """The client of both."""
    with serve(stubs[False].app()) as whole, serve(stubs[True].app()) as streaming:
        made = {"lambda-buffered": against(whole, NAMES), "lambda-streaming": against(streaming, NAMES)}
        made["lambda-whole"] = against(whole, NAMES, WholeInvoker)
        yield made
        RELEASED.set()
        for each in made.values():
            each.close()


@pytest.fixture(params=WAYS)
def invoker(request, lambdas):
    """Each way in turn."""
    return AsgiInvoker({"work": APP}) if request.param == "asgi" else lambdas[request.param]


@pytest.fixture
def stub(stubs):
    """The stub of functions that answer whole, without faults and counts."""
    whole = stubs[False]
    whole.calls = 0
    whole.events.clear()
    yield whole
    whole.faults.clear()


@pytest.fixture(params=["lambda-buffered", "lambda-whole"])
def buffered(request, lambdas):
    """The clients of that stub."""
    return lambdas[request.param]


async def test_a_request_arrives_as_it_was_sent(invoker):
    """Method, path, query, headers, body and what the authorizer said; an error status is an answer."""
    request = HttpRequest(
        "POST",
        "/echo",
        {"a": "1 & 2", "b": "ü"},
        {"authorization": "Bearer gk_a_b", "content-type": "application/json"},
        '{"text": "ünicode\\u0000"}'.encode(),
        {"principalId": "jwt|7", "claims": {"sub": "7"}},
    )
    answer = await invoker.invoke("work", request)
    assert (answer.status, answer.headers["x-gateway-model"]) == (418, "first")
    assert json.loads(answer.body) == {
        "method": "POST",
        "path": "/echo",
        "query": {"a": "1 & 2", "b": "ü"},
        "key": "Bearer gk_a_b",
        "body": '{"text": "ünicode\\u0000"}',
        "authorizer": {"principalId": "jwt|7", "claims": {"sub": "7"}},
    }


async def test_a_bare_request_is_enough(invoker):
    """No query, no body, no headers, no authorizer."""
    told = json.loads((await invoker.invoke("work", HttpRequest("GET", "/echo"))).body)
    assert (told["query"], told["body"], told["key"], told["authorizer"]) == ({}, "", None, None)


async def test_a_body_of_any_bytes_comes_back(invoker):
    """Also one that holds what separates a prelude from its body."""
    answer = await invoker.invoke("work", HttpRequest("GET", "/binary"))
    assert answer.body == bytes(range(256)) + b"\0" * 9


async def test_a_stream_gives_head_and_parts(invoker):
    """Status and headers first, then the body."""
    async with invoker.stream("work", HttpRequest("GET", "/three")) as answer:
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        body = b"".join([part async for part in answer.parts])
    assert body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


async def test_a_stream_may_be_left_early(invoker):
    """Leaving is no error, and the next call works."""
    async with invoker.stream("work", HttpRequest("GET", "/three")) as answer:
        assert answer.status == 200
    assert (await invoker.invoke("work", HttpRequest("GET", "/echo"))).status == 418


async def test_a_crash_is_an_error_without_its_text(invoker):
    """Or, where a server stands between, an answer without it."""
    try:
        answer = await invoker.invoke("work", HttpRequest("GET", "/broken"))
    except FunctionUnavailable as error:
        told = f"{error.message} {error.detail}"
    else:
        told = answer.body.decode()
        assert answer.status == 500
    assert "hello" not in told


async def test_the_deadline_holds(invoker):
    """For whole answers and for streams."""
    request = HttpRequest("GET", "/slow", timeout_s=5)

    async def streamed():
        async with invoker.stream("work", request):
            pass

    for call in (invoker.invoke("work", request), streamed()):
        with pytest.raises(DeadlineExceeded):
            await ends_after(5, call, asyncio.to_thread(ASKED.acquire))


async def test_a_timeout_of_the_readers_own_is_left_alone(invoker):
    """Only the invocation's deadline becomes our error."""
    with pytest.raises(TimeoutError, match="mine"):
        async with invoker.stream("work", HttpRequest("GET", "/three")):
            raise TimeoutError("mine")


async def test_an_unknown_function_is_unavailable(invoker):
    """The operator reads which."""
    with pytest.raises(FunctionUnavailable) as caught:
        await invoker.invoke("nope", HttpRequest("GET", "/echo"))
    assert "nope" in caught.value.detail.lower()


async def test_a_busy_app_waits_for_its_reader():
    """It may run a few parts ahead, not without end."""
    sent = []

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200})
        for number in range(100):
            await send({"type": "http.response.body", "body": b"x", "more_body": number < 99})
            sent.append(number)

    async with AsgiInvoker({"work": app}).stream("work", HttpRequest("GET", "/")) as answer:
        assert await anext(answer.parts) == b"x"
        assert len(sent) < 20
        assert len([part async for part in answer.parts]) == 99


async def test_many_calls_at_once(invoker):
    """Each gets its own answer."""
    requests = [HttpRequest("POST", "/echo", body=str(number).encode()) for number in range(24)]
    answers = await asyncio.gather(*(invoker.invoke("work", request) for request in requests))
    assert [json.loads(answer.body)["body"] for answer in answers] == [str(number) for number in range(24)]


async def test_a_repeated_header_is_joined(buffered):
    """As HTTP allows it."""
    assert (await buffered.invoke("work", HttpRequest("GET", "/twice"))).headers["x-twice"] == "a, b"


async def test_the_name_of_the_deployed_function_is_called(buffered, stub):
    """Ours is a role, the deployment's a name; the event is API Gateway's."""
    await buffered.invoke("other", HttpRequest("GET", "/echo"))
    (event,) = stub.events
    assert (event["resource"], event["httpMethod"], event["isBase64Encoded"]) == ("/echo", "GET", False)


@pytest.mark.parametrize(
    ("fault", "code"), [("crash", "Unhandled"), ("denied", "AccessDeniedException"), ("garbage", "not a JSON object")]
)
async def test_lambdas_own_errors_are_ours(buffered, stub, fault, code):
    """The caller reads that a part failed, the operator its code, nobody Lambda's text; and nothing is sent twice."""
    stub.faults[NAMES["work"]] = fault
    with pytest.raises(FunctionUnavailable) as caught:
        await buffered.invoke("work", HttpRequest("GET", "/echo"))
    assert code in caught.value.detail
    told = f"{caught.value.detail} {caught.value.message}"
    assert not [word for word in ("hello", "arn:aws", "no answer") if word in told]
    assert stub.calls == 1


async def test_a_busy_function_says_when_to_come_back(buffered, stub):
    """Lambda's Retry-After."""
    stub.faults[NAMES["work"]] = "busy"
    with pytest.raises(RateLimited) as caught:
        await buffered.invoke("work", HttpRequest("GET", "/echo"))
    assert (caught.value.retry_after_s, stub.calls) == (3.0, 1)


@pytest.mark.parametrize("fault", ["crash", "cut"])
async def test_a_stream_that_breaks_is_an_error(lambdas, stubs, fault):
    """It never ends as if it were complete."""
    stub = stubs[True]
    stub.faults[NAMES["work"]] = fault
    try:
        with pytest.raises(FunctionUnavailable) as caught:
            async with lambdas["lambda-streaming"].stream("work", HttpRequest("GET", "/three")) as answer:
                [part async for part in answer.parts]
    finally:
        stub.faults.clear()
    assert "hello" not in caught.value.detail


async def test_a_stream_that_opens_too_late_is_closed():
    """Nobody waits for it any more, and no connection is left behind."""
    stub = LambdaStub(dict.fromkeys(NAMES.values(), APP), streams=True, faults={NAMES["work"]: "late"})
    with serve(stub.app()) as url:
        invoker = against(url, NAMES)

        async def streamed():
            async with invoker.stream("work", HttpRequest("GET", "/three", timeout_s=5)):
                pass

        with pytest.raises(DeadlineExceeded):
            await ends_after(5, streamed(), asyncio.to_thread(stub.asked.wait))
        stub.released.set()
        await asyncio.to_thread(invoker._threads.shutdown)
        invoker.close()
    assert stub.calls == 1


async def test_an_endpoint_that_is_not_there():
    """A connection that fails is an unavailable function."""
    lost = against("http://127.0.0.1:1", NAMES)
    with pytest.raises(FunctionUnavailable):
        await lost.invoke("work", HttpRequest("GET", "/echo"))
    lost.close()


async def test_what_lambda_would_not_take_is_not_sent(buffered, stub):
    """A body that is too large once it is an event."""
    with pytest.raises(BodyTooLarge):
        await buffered.invoke("work", HttpRequest("POST", "/echo", body=b"x" * (MOST_EVENT_BYTES * 3 // 4)))
    assert stub.calls == 0


async def test_an_app_that_does_not_finish_is_unavailable():
    """In process, too, a cut answer is an error."""

    async def cut(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    with pytest.raises(FunctionUnavailable):
        await AsgiInvoker({"work": cut}).invoke("work", HttpRequest("GET", "/"))


async def test_an_app_whose_reader_left_is_ended():
    """It can release what it holds."""
    ended = asyncio.Event()

    async def app(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            await receive()
        finally:
            ended.set()

    async with AsgiInvoker({"work": app}).stream("work", HttpRequest("GET", "/")) as answer:
        assert answer.status == 200
    assert ended.is_set()
