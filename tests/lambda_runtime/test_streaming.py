"""Answers as the client of a REST API or a function URL gets them, from the real awslambdaric in its own process."""

from __future__ import annotations

import base64

import httpx
import pytest


@pytest.fixture(params=["rest", "url"])
def front(request, rest, url) -> httpx.AsyncClient:
    """A client of either front."""
    return {"rest": rest, "url": url}[request.param]


async def test_a_chunk_arrives_before_the_next_is_made(rest, gate):
    """Each event is at the client while the app still waits to make the next one."""
    async with rest.stream("GET", "/steps") as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        lines = answer.aiter_lines()
        for number in range(3):
            said, app = await gate.hold()
            assert said == f"before {number}"
            gate.release(app)
            assert await anext(lines) == f"data: {number}"
            assert await anext(lines) == ""
        with pytest.raises(StopAsyncIteration):
            await anext(lines)


async def test_a_rest_event_becomes_a_scope(rest):
    """Method, path below the stage, query and headers with all their values, client, event and context."""
    headers = [("X-Many", "1"), ("cookie", "a=1; b=2")]
    told = (await rest.put("/echo?q=1&q=%C3%A9&empty=", headers=headers, content=b"text")).json()
    assert (told["method"], told["path"], told["raw_path"], told["root_path"]) == (
        "PUT",
        "/live/echo",
        "/live/echo",
        "/live",
    )
    assert told["query"] == "q=1&q=%C3%A9&empty="
    assert told["client"] == ["192.0.2.7", 0]
    assert ["x-many", "1"] in told["headers"]
    assert ["cookie", "a=1; b=2"] in told["headers"]
    assert base64.b64decode(told["body"]) == b"text"
    assert "multiValueHeaders" in told["event"]
    assert told["request_id"]


async def test_nothing_is_collected_while_the_handler_loads(rest):
    """Only from the first event on, and without looking through what was loaded."""
    told = (await rest.get("/echo")).json()
    assert told["collects"] == [False, True]
    assert told["frozen"] > 10_000


async def test_a_function_url_event_becomes_a_scope(url):
    """The same of format 2.0, which keeps cookies apart and the query as it came."""
    told = (await url.post("/echo?q=1&q=%2F", headers={"cookie": "a=1; b=2"}, content=b"{}")).json()
    assert (told["method"], told["path"], told["root_path"], told["query"]) == ("POST", "/echo", "", "q=1&q=%2F")
    assert ["cookie", "a=1; b=2"] in told["headers"]
    assert told["client"] == ["192.0.2.7", 0]


async def test_bodies_are_bytes_both_ways(front):
    """A body that is no text arrives as it was sent, and all byte values come back."""
    sent = bytes(range(256))
    assert base64.b64decode((await front.post("/echo", content=sent)).json()["body"]) == sent
    assert (await front.get("/many-headers")).content == sent


async def test_a_header_may_have_several_values(front):
    """Cookies stay apart, list headers are joined; the body's framing is the platform's."""
    answer = await front.get("/many-headers")
    assert answer.headers.get_list("set-cookie") == ["a=1; Path=/", "b=2"]
    assert answer.headers["vary"] == "accept, origin"
    assert (await front.get("/echo")).headers.get("content-length") is None


async def test_an_error_before_the_status_is_a_function_error(rest):
    """API Gateway makes it a 502, and the environment serves on."""
    assert (await rest.get("/early")).status_code == 502
    assert (await rest.get("/echo")).status_code == 201


async def test_an_error_after_the_status_cuts_the_answer(rest):
    """The client sees that the end is missing, and the environment serves on."""
    with pytest.raises(httpx.RemoteProtocolError):
        await rest.get("/cut")
    assert (await rest.get("/echo")).status_code == 201


async def test_one_process_and_one_loop_serve_all(rest):
    """A client made in one invocation can be used in the next."""
    first, second = [(await rest.get("/echo")).json() for _ in range(2)]
    assert (first["pid"], first["loop"]) == (second["pid"], second["loop"])
    assert first["request_id"] != second["request_id"]
