"""SUBSCRIBE, PSUBSCRIBE and MONITOR as server-sent events."""

from __future__ import annotations

import contextlib

import httpx
import pytest

from local.serving import serve
from local.upstash.app import create_app
from local.valkey import Valkey
from tests.patience import patience


@contextlib.contextmanager
def events(api, path):
    """The lines of an event stream, blank ones left out."""
    with api.http.stream("POST", path, headers={"Accept": "text/event-stream"}, timeout=patience(10)) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield filter(None, response.iter_lines())


# 14. server-sent events


def test_a_subscriber_hears_what_is_published(api):
    """First the confirmation, then each message."""
    with events(api, "/subscribe/chat") as lines:
        assert next(lines) == "data: subscribe,chat,1"
        assert api.http.post("/publish/chat/hello").json() == {"result": 1}
        assert next(lines) == "data: message,chat,hello"
        api.run("PUBLISH", "chat", "two\nlines")
        assert [next(lines), next(lines)] == ["data: message,chat,two", "data: lines"]


def test_a_subscriber_may_name_several_channels(api):
    """Each is confirmed, with the count so far."""
    with events(api, "/subscribe/a/b") as lines:
        assert [next(lines), next(lines)] == ["data: subscribe,a,1", "data: subscribe,b,2"]


def test_a_pattern_subscriber_hears_matching_channels(api):
    """PSUBSCRIBE names pattern and channel."""
    with events(api, "/psubscribe/ch%2A") as lines:
        assert next(lines) == "data: psubscribe,ch*,1"
        api.run("PUBLISH", "chat", "hello")
        assert next(lines) == "data: pmessage,ch*,chat,hello"


def test_the_monitor_shows_commands(api):
    """A quoted OK, then one line per command."""
    with events(api, "/monitor") as lines:
        assert next(lines) == 'data: "OK"'
        api.run("SET", "k", "v")
        assert next(lines).endswith('"SET" "k" "v"')


def test_a_reader_may_subscribe(api):
    """The read-only token listens but does not publish."""
    headers = {"Authorization": f"Bearer {api.read_only_token}"}
    with api.http.stream("POST", "/subscribe/c", headers=headers) as response:
        assert next(response.iter_lines()) == "data: subscribe,c,1"
    assert api.read_only("PUBLISH", "c", "x").status_code == 400


def test_a_refused_subscription_is_an_ordinary_error(api):
    """No channel is an error object with status 400, not a stream."""
    response = api.http.post("/subscribe")
    assert response.status_code == 400
    assert response.json() == {"error": "ERR wrong number of arguments for 'subscribe' command"}


def test_the_servers_connection_ends_with_the_clients(api):
    """A client that leaves leaves no subscriber behind."""
    with events(api, "/subscribe/left") as lines:
        next(lines)
        assert api.run("PUBSUB", "NUMSUB", "left") == ["left", 1]
    for _ in range(10_000):
        if api.run("PUBSUB", "NUMSUB", "left") == ["left", 0]:
            return
    pytest.fail("the subscription outlived its client")


def test_a_stream_ends_with_its_server():
    """The client sees an orderly end when the server goes away."""
    with (
        Valkey() as server,
        serve(create_app(redis_port=server.port, token="t")) as url,
        httpx.stream(
            "POST", f"{url}/subscribe/c", headers={"Authorization": "Bearer t"}, timeout=patience(30)
        ) as response,
    ):
        lines = filter(None, response.iter_lines())
        assert next(lines) == "data: subscribe,c,1"
        server.stop()
        assert list(lines) == []


def test_streams_need_no_slot_of_the_pool(api):
    """More subscribers than pooled connections leave commands unharmed."""
    with contextlib.ExitStack() as stack:
        http = stack.enter_context(httpx.Client(base_url=api.url, headers=api.http.headers, timeout=patience(30)))
        streams = [stack.enter_context(http.stream("POST", "/subscribe/many")).iter_lines() for _ in range(40)]
        assert {next(lines) for lines in streams} == {"data: subscribe,many,1"}
        assert api.run("PUBSUB", "NUMSUB", "many") == ["many", 40]
