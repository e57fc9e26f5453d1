"""The HTTP edge where it meets crashes, slow beginnings and callers who leave."""

import asyncio

import httpx
import pytest

from gateway_core.api import complete, models, usage
from gateway_core.api.app import create_app
from gateway_core.api.guard import RequestGuard
from gateway_core.api.sse import UNREAD_S, EventStream
from gateway_core.api.stream_answer import in_words, start
from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.errors import RateLimited
from gateway_core.domain.provider_errors import ProviderUnavailable
from gateway_core.domain.result import Opened
from tests.conftest import model
from tests.loop_time import loop_time


def scope():
    return {"type": "http", "path": "/x", "method": "GET", "headers": []}


async def receive():
    return {"type": "http.request"}


async def test_a_crash_before_the_answer_is_500(world):
    """In our shape, with the request's id."""

    async def broken(scope, receive, send):
        raise ZeroDivisionError

    sent = []

    async def send(message):
        sent.append(message)

    await RequestGuard(broken, world.services.telemetry)(scope(), receive, send)
    assert sent[0]["status"] == 500
    assert b"req_" in sent[1]["body"]


async def test_a_crash_after_the_answer_began_is_not_hidden(world):
    """The server must cut the connection: another answer would be a lie."""

    async def broken(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    async def send(message):
        pass

    with pytest.raises(ZeroDivisionError):
        await RequestGuard(broken, world.services.telemetry)(scope(), receive, send)
    assert [line["error.type"] for line in world.lines()] == ["ZeroDivisionError"]


async def test_a_caller_who_leaves_before_the_body_is_whole(world):
    """Nobody is there to be told, and it is no fault of ours."""
    app = create_app(world.services, complete.router)
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])
    sent = []

    async def leave():
        return next(messages)

    async def send(message):
        sent.append(message)

    headers = [(b"x-api-key", (await world.key()).encode())]
    asked = {"type": "http", "method": "POST", "path": "/v1/complete", "query_string": b"", "headers": headers}
    await app(asked, leave, send)
    assert (sent, world.lines()) == ([], [])


async def test_a_wrong_route_or_method_has_an_id_too(client):
    """In the header as in the body, beside what HTTP wants."""
    lost = await client.get("/v1/nowhere")
    wrong = await client.get("/v1/complete")
    assert (lost.status_code, wrong.status_code, wrong.headers["allow"]) == (404, 405, "POST")
    allowed = (await client.put("/ask/job_alpha_1")).headers["allow"]
    assert set(allowed.split(", ")) == {"GET", "DELETE"}
    for answer in (lost, wrong):
        assert answer.headers["x-gateway-request-id"] == answer.json()["error"]["request_id"]


async def test_other_protocols_pass(world):
    """The lifespan is the app's own business."""
    seen = []

    async def inner(scope, receive, send):
        seen.append(scope["type"])

    await RequestGuard(inner, world.services.telemetry)({"type": "lifespan"}, receive, None)
    assert seen == ["lifespan"]


async def test_there_is_nothing_but_the_routes(world):
    """No page of schemas, and no HEAD that came with a GET; a path with a slash at its end is another one."""
    app = create_app(world.services, usage.router, models.router)
    served = {(route.path, *sorted(route.methods)) for route in app.routes}
    assert served == {
        (path, "GET")
        for path in (
            "/v1/usage",
            "/v1/usage/records",
            "/v1/usage/records/{request_id}",
            "/v1/budgets",
            "/v1/models",
            "/v1/models/{model_id:path}",
        )
    }
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as http:
        found = [(await http.get(path)).status_code for path in ("/openapi.json", "/docs", "/v1/usage/")]
    assert found == [404, 404, 404]


async def test_a_slow_stream_begins_before_its_first_piece(world):
    """After the patience is over the answer starts, without telling who answers."""
    go = asyncio.Event()

    async def parts():
        await go.wait()
        yield Opened(model("first"), 1)
        yield Chunk(text="hi")

    begun = await start(parts(), "req_1", world.services.telemetry, patience_s=0.01)
    assert begun.opened is None
    assert begun.headers == {"x-gateway-request-id": "req_1"}
    go.set()
    assert [part async for part in begun.parts][1].text == "hi"


async def test_an_error_in_time_is_raised(world):
    """And the source is closed."""
    closed = []

    async def parts():
        try:
            raise RateLimited("busy")
            yield
        finally:
            closed.append(True)

    with pytest.raises(RateLimited):
        await start(parts(), "req_1", world.services.telemetry)
    assert closed == [True]


async def test_an_empty_stream_ends(world):
    """Nothing in, nothing out."""

    async def parts():
        return
        yield

    begun = await start(parts(), "req_1", world.services.telemetry)
    assert [part async for part in begun.parts] == []


async def test_leaving_while_waiting_closes_the_source(world):
    """A caller who goes before anything came."""
    closed = asyncio.Event()

    async def parts():
        try:
            await asyncio.Event().wait()
            yield
        finally:
            closed.set()

    waiting = asyncio.ensure_future(start(parts(), "req_1", world.services.telemetry))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert closed.is_set()


async def test_words_come_out_before_an_error():
    """What was held back is the caller's, however the stream ends."""

    async def parts():
        yield Chunk(text="half a wo")
        yield Chunk(text="rd")
        raise ProviderUnavailable("cut", usage=Usage(1, 1))

    words = in_words(parts())
    assert [(await anext(words)).text for _ in range(2)] == ["half a ", "word"]
    with pytest.raises(ProviderUnavailable):
        await anext(words)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/health"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/nope"),
        ("POST", "/v1/complete"),
        ("POST", "/v1/stream"),
        ("DELETE", "/v1/complete"),
        ("GET", "/nowhere"),
    ],
)
async def test_every_answer_has_the_requests_id(client, method, path):
    """Refusals included; where the body tells it, they are the same."""
    hello = {"messages": [{"role": "user", "content": "hi"}]}
    answer = await client.request(method, path, json=hello if method == "POST" else None)
    request_id = answer.headers["x-request-id"]
    assert request_id.startswith("req_")
    assert answer.headers.get("x-gateway-request-id", request_id) == request_id
    if answer.is_error:
        assert answer.json()["error"]["request_id"] == request_id


async def test_a_crash_has_the_requests_id(world):
    """To be quoted."""

    async def broken(scope, receive, send):
        raise ZeroDivisionError

    sent = []

    async def send(message):
        sent.append(message)

    await RequestGuard(broken, world.services.telemetry)(scope(), receive, send)
    names = dict(sent[0]["headers"])
    assert names[b"x-request-id"].startswith(b"req_")
    assert names[b"x-request-id"] in sent[1]["body"]


async def test_a_stream_that_nobody_reads_ends_after_its_time():
    """A little after what it may take: its source is closed, and so settled, and the server may close the line."""
    closed = []

    async def events():
        try:
            while True:
                yield b"data: more\n\n"
        finally:
            closed.append(True)

    async def stuck(message):
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def silent():
        await asyncio.Event().wait()

    with loop_time() as time:
        stream = EventStream(events(), {}, longest_s=10)
        serving = asyncio.create_task(stream(scope(), silent, stuck))
        await time.passes(0)
        await time.passes(10 + UNREAD_S - 0.1)
        assert (serving.done(), closed) == (False, [])
        await time.passes(0.2)
        assert (serving.done(), closed) == (True, [True])
