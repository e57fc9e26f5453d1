"""A real stack whose store fails in every way that its stand-in knows: who is served, how soon, and the books after."""

import json
import time

import httpx
import pytest

from gateway_core.adapters.degraded import replay
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.admission import BreakerPolicy, Settlement, Ticket, Unsettled, UsageRecord
from gateway_core.domain import Limits
from gateway_core.principal import KeyRecord, digest_of
from local.providers import base_urls
from local.serving import serve
from local.upstash.app import create_app
from local.upstash.faults import Faults
from local.valkey import Valkey
from tests.e2e.conftest import PROVIDER_KEYS, start, stop
from tests.functions.mcp_front.conftest import official

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

TOKEN = "local"
BEARER = {"authorization": f"Bearer {TOKEN}"}
LONGEST_S = 20
"""The store's share is 3.5 s at most; the rest is for a busy machine."""
LIMITED, FREE = "gk_limited_key", "gk_free_key"
HELLO = [{"role": "user", "content": "Hello"}]
ASKS = {
    "/v1/complete": {"messages": HELLO, "model_group": "fast"},
    "/v1/stream": {"messages": HELLO, "model_group": "fast"},
    "/v1/chat/completions": {"messages": HELLO, "model": "fast"},
    "/v1/embeddings": {"input": "Hello", "model": "text-embedding-3-large"},
}
FAULTS = [
    {"kind": "latency", "delay_ms": 2000},
    *({"kind": kind} for kind in ("crash", "throttled", "unauthorized", "drop")),
]


@pytest.fixture(scope="module")
def store_url():
    """A store whose faults can be set."""
    with Valkey() as valkey, serve(create_app(redis_port=valkey.port, token=TOKEN, faults=Faults())) as url:
        yield url


@pytest.fixture(scope="module")
def running(store_url, providers_url):
    """A stack over that store, which takes the simulator for the real providers."""
    store = {"UPSTASH_REDIS_REST_URL": store_url, "UPSTASH_REDIS_REST_TOKEN": TOKEN}
    stack = start(**PROVIDER_KEYS, **base_urls(providers_url), **store)
    yield stack
    assert stop(stack) == 0


@pytest.fixture
def fail(store_url):
    """Let every answer of the store fail from now on; without a fault, none."""

    def plan(*faults):
        answer = httpx.post(
            f"{store_url}/__faults", headers=BEARER, json=[{**fault, "times": None} for fault in faults]
        )
        assert answer.status_code == 200, answer.text

    yield plan
    plan()


@pytest.fixture
async def store(store_url):
    """The store itself, with a key that has a budget and one that has none."""
    opened = UpstashStore(store_url, TOKEN, connect_timeout_s=5, timeout_s=10)
    await opened.put_key(KeyRecord("limited", digest_of(LIMITED), limits=Limits(day_nano=10**12)))
    await opened.put_key(KeyRecord("free", digest_of(FREE)))
    yield opened
    await opened.close()


class Client:
    """Asks the running stack with one of the keys."""

    def __init__(self, http):
        self._http = http

    def ask(self, path, key):
        """The answer, in time."""
        began = time.monotonic()
        answer = self._http.post(path, json=ASKS[path], headers={"authorization": f"Bearer {key}"})
        assert time.monotonic() - began < LONGEST_S
        return answer

    def recover(self, path):
        """Ask until the store is used again; the number of answers that this took."""
        deadline, asked = time.monotonic() + 15, 1
        while "x-gateway-degraded" in self.ask(path, FREE).headers:
            assert time.monotonic() < deadline
            asked += 1
            time.sleep(0.2)  # the circuit's 3 s are real here
        return asked


@pytest.fixture
def client(running):
    with httpx.Client(base_url=running.urls["Gateway"], timeout=60) as http:
        yield Client(http)


def unsettled(stack):
    """What the log says was not settled."""
    lines = (json.loads(line) for line in stack.log if line.startswith("{"))
    return [
        Unsettled(
            Ticket(**line["ticket"]),
            tuple(Settlement(**owed) for owed in line["owed"]),
            line["settlement"] and Settlement(**line["settlement"]),
            UsageRecord(**line["usage"]),
        )
        for line in lines
        if line.get("message") == "usage not settled"
    ]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["kind"])
async def test_a_store_that_fails(running, client, providers, store, fail, fault):
    """Who has no limits is served and told so, who has is refused, in time; then all is as before, and in the books."""
    url = f"{running.urls['Gateway']}/mcp"
    for path in ASKS:
        client.recover(path)
        assert client.ask(path, LIMITED).status_code == 200
    fail(fault)
    for path in ASKS:
        answer = client.ask(path, FREE)
        assert (answer.status_code, answer.headers["x-gateway-degraded"]) == (200, "store"), answer.text
        refused = client.ask(path, LIMITED)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert "WRONGPASS" not in refused.text
        assert "max requests" not in refused.text
    fail()
    for path in ASKS:
        client.recover(path)
        assert client.ask(path, LIMITED).status_code == 200
    async with official(url, FREE, "auto") as mcp:
        assert not (await mcp.call_tool("complete", {"messages": HELLO, "model_group": "fast"})).is_error
        fail(fault)
        assert not (await mcp.call_tool("complete", {"messages": HELLO, "model_group": "fast"})).is_error
    fail()
    client.recover("/v1/complete")


async def test_the_books_add_up_after_all_that(running, store):
    """With the log's lines replayed, twice, each request is in the books once; the log explains what is held."""
    for line in unsettled(running) * 2:
        await replay(store, line, now_ms=line.record.at_ms, policy=BreakerPolicy())
    lines = [json.loads(line) for line in running.log if line.startswith("{")]
    told = [line["usage"]["request_id"] for line in lines if line["message"] == "usage"]
    lost = {line["ticket"]["request_id"] for line in lines if line["message"] == "admission lost"}
    (day,) = {line.ticket.day for line in unsettled(running)}
    found, held = [], []
    for project in ("free", "limited"):
        page = await store.usage_records(project, day=day, limit=10_000)
        _, month = await store.budget_lines(project, day=day, scopes=["p"])
        holds = await store.open_holds(project, month=day[:6])
        assert month.spent_nano == sum(record.cost_nano for record in page.records)
        assert month.held_nano == sum(hold.hold_nano for hold in holds)
        found, held = found + list(page.records), held + holds
    assert sorted(record.request_id for record in found) == sorted(told)
    assert {hold.key_id.split("_")[1] for hold in held} <= {"limited"}
    assert {hold.request_id for hold in held} <= lost
