"""GET /v1/events over real HTTP: who sees what, and where a client goes on."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from gateway_core.api.app import create_app
from gateway_core.store.changes import BreakerChange
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from gateway_core.telemetry.events import BreakerMoved, RequestCost, StoreDegraded
from local.live_events import events_router
from local.serving import serve
from tests.patience import patience
from tests.plain_http import NOBODY
from tests.unit.test_events import RECORD

OPERATORS = BreakerMoved(at_ms=0, change=BreakerChange("one", "m1", "open", 1, 1), model="first")
ALPHAS = RequestCost(at_ms=0, project_id="alpha", record=RECORD)
BETAS = StoreDegraded(at_ms=0, project_id="beta", request_id="req_beta")
LAST = StoreDegraded(at_ms=0, project_id="alpha", request_id="req_last")


@pytest.fixture
def url(world) -> Iterator[str]:
    """Where the events of the world can be watched."""
    with serve(create_app(world.services, events_router(world.feed))) as base:
        yield f"{base}/v1/events"
        world.feed.close()


@contextmanager
def watching(url: str, key: str, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of a stream, each as `id`, `event` and `data`."""
    sent = {"authorization": f"Bearer {key}", **headers}
    with (
        httpx.Client(trust_env=False, verify=NOBODY, timeout=patience(20)) as http,
        http.stream("GET", url, headers=sent) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield read(answer.iter_lines())


def read(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    found: dict[str, Any] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name:
            found[name] = json.loads(value) if name == "data" else value
        elif found:
            yield found
            found = {}


def requests(events):
    return [event["data"]["detail"].get("request_id") for event in events]


async def test_a_key_sees_what_is_its_projects(world, url):
    """Not another's, and not the operator's."""
    with watching(url, await world.key("alpha")) as events:
        await world.feed.emit([OPERATORS, BETAS, ALPHAS, LAST])
        first = next(events)
        assert (first["event"], first["data"]) == ("request.cost", ALPHAS.render())
        assert requests([next(events)]) == ["req_last"]


async def test_an_admin_key_sees_everything(world, url):
    """The operator's events too."""
    with watching(url, await world.key("ops", admin=True)) as events:
        await world.feed.emit([OPERATORS, BETAS, ALPHAS])
        assert [next(events)["event"] for _ in range(3)] == ["breaker.opened", "store.degraded", "request.cost"]


async def test_a_key_of_a_user_sees_what_is_the_users(world, url):
    """Others of its project are not its business; what names nobody is neither."""
    with watching(url, await world.key("alpha", user_id="eve")) as others:
        with watching(url, await world.key("alpha", user_id="bob")) as events:
            await world.feed.emit([LAST, ALPHAS])
            assert requests([next(events)]) == ["req_1"]
        world.feed.close()
        assert list(others) == []


async def test_a_client_goes_on_behind_what_it_has_seen(world, url):
    """By the id of the last event; an id of another run of the gateway gets all that is kept."""
    key = await world.key("ops", admin=True)
    await world.feed.emit([ALPHAS, BETAS, LAST])
    with watching(url, key, **{"last-event-id": "0"}) as events:
        first = next(events)
        assert requests([first, next(events), next(events)]) == ["req_1", "req_beta", "req_last"]
    with watching(url, key, **{"last-event-id": first["id"]}) as events:
        assert requests([next(events)]) == ["req_beta"]
    with watching(url, key, **{"last-event-id": "0123abcd-2"}) as events:
        assert requests([next(events)]) == ["req_1"]


@pytest.mark.parametrize(
    ("rights", "headers", "status"),
    [
        (None, {}, 401),
        ({"tools": ("complete",)}, {}, 403),
        ({"tools": ("get_usage",)}, {"last-event-id": "yesterday"}, 400),
    ],
)
async def test_who_may_not_watch_is_told_so(world, url, rights, headers, status):
    """Before anything is streamed."""
    if rights is not None:
        headers = {**headers, "authorization": f"Bearer {await world.key(**rights)}"}
    answer = await asyncio.to_thread(httpx.get, url, headers=headers, trust_env=False, verify=NOBODY)
    assert (answer.status_code, set(answer.json())) == (status, {"error"})


async def test_a_revoked_key_is_shown_nothing_more(world, url):
    """As elsewhere within 30 seconds: its stream ends where the next event would come."""
    key = await world.key("alpha")
    with watching(url, key) as events:
        await world.feed.emit([ALPHAS])
        assert requests([next(events)]) == ["req_1"]
        assert await world.store.revoke_key(KeyRecord("alpha", digest_of(key)).id, now_ms=1)
        world.clock.advance(30)
        await world.feed.emit([LAST])
        assert list(events) == []


async def test_a_closed_feed_ends_the_stream(world, url):
    """The gateway stops: the answer is complete, and nobody waits for who watches."""
    with watching(url, await world.key("alpha")) as events:
        world.feed.close()
        assert list(events) == []
