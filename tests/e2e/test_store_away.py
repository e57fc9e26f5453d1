"""A real stack whose store fails in every way that its stand-in knows: who is served, how soon, and the books after."""

import asyncio
import json
import time

import httpx
import pytest

from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.caller import Limits
from gateway_core.domain.times import day_key, utc_date
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from local.providers import base_urls
from local.valkey import Valkey
from tests.e2e.away import BEARER, TOKEN, Server
from tests.e2e.conftest import PROVIDER_KEYS, fork, stop
from tests.e2e.moved import Mover
from tests.functions.mcp_front.conftest import official
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("store-away"), pytest.mark.timeout(180)]
STORE_S = min(3.0, patience(1))
"""How long a call of the store may take."""
LONGEST_S = patience(20)
"""How long a caller waits. The store's share of that is 3.5 at most."""
COOLDOWN_S = 3
"""How long a store that failed three times is left alone."""
MOST_ASKS = 3
LIMITED, FREE = "gk_limited_key", "gk_free_key"
HELLO = [{"role": "user", "content": "Hello"}]
OWN_ROUTES = ("/v1/complete", "/v1/stream")
ASKS = {
    "/v1/complete": {"messages": HELLO, "model_group": "fast"},
    "/v1/stream": {"messages": HELLO, "model_group": "fast"},
    "/v1/chat/completions": {"messages": HELLO, "model": "fast"},
    "/v1/embeddings": {"input": "Hello", "model": "text-embedding-3-large"},
}
DOWN = {"kind": "down"}
"""Not a fault that the stand-in plays: it is gone."""
SLOW = {"kind": "latency", "delay_ms": round(2000 * STORE_S)}
FAULTS = [DOWN, SLOW, *({"kind": kind} for kind in ("crash", "unauthorized", "throttled", "drop"))]
DEADLINE_S = min(100.0, patience(8))
REPORTS = ("/v1/usage", "/v1/usage/records", "/v1/budgets")
LISTS = ("/v1/models", "/health/providers")
TOOLS = {
    "complete": {"messages": HELLO, "model_group": "fast"},
    "stream_complete": {"messages": HELLO, "model_group": "fast"},
    "embed": {"input": ["Hello"]},
    "count_tokens": {"text": "Hello", "model": "gpt-5.1"},
    "list_models": {},
    "health_check": {},
}
"""What works without the store, for a caller without limits; `get_usage` does not."""


@pytest.fixture(scope="module")
def server():
    """A store that can be taken down."""
    with Valkey() as valkey:
        made = Server(valkey.port)
        made.up()
        yield made
        made.down()


@pytest.fixture(scope="module")
def store_url(server):
    """Where it is, also while it is down."""
    return server.url


@pytest.fixture(scope="module")
def clock(tmp_path_factory):
    """Of the stack."""
    return Mover(tmp_path_factory.mktemp("clock") / "clock")


@pytest.fixture(scope="module")
def backlog(tmp_path_factory):
    """The folder of what waits to be settled."""
    return tmp_path_factory.mktemp("backlog")


@pytest.fixture(scope="module")
def running(store_url, providers_url, clock, backlog, tmp_path_factory):
    """A stack over that store, which takes the simulator for the real providers."""
    config = tmp_path_factory.mktemp("away") / "config.yaml"
    config.write_text(f"store: {{timeout_s: {STORE_S}, connect_timeout_s: {STORE_S}}}\n")
    store = {"UPSTASH_REDIS_REST_URL": store_url, "UPSTASH_REDIS_REST_TOKEN": TOKEN, "GATEWAY_CONFIG": str(config)}
    store["GATEWAY_BACKLOG"] = str(backlog)
    stack = fork("tests.e2e.moved", **PROVIDER_KEYS, **base_urls(providers_url), **store, **clock.environ)
    yield stack
    assert stop(stack) == 0


@pytest.fixture
def fail(server):
    """Let the store fail every time from now on; without a fault, never."""

    def plan(*faults):
        if DOWN in faults:
            server.down()
            return
        server.up()
        body = [{**fault, "times": None} for fault in faults]
        assert httpx.post(f"{server.url}/__faults", headers=BEARER, json=body, timeout=patience(30)).status_code == 200

    yield plan
    plan()


@pytest.fixture
async def store(store_url):
    """The store itself, with a key that has a budget and one that has none."""
    opened = UpstashStore(store_url, TOKEN, connect_timeout_s=30, timeout_s=30)
    await opened.put_key(KeyRecord("limited", digest_of(LIMITED), limits=Limits(day_nano=10**12)))
    await opened.put_key(KeyRecord("free", digest_of(FREE)))
    yield opened
    await opened.close()


class Client:
    """Asks the running stack with one of the keys, and waits no longer than a caller does."""

    def __init__(self, http, clock):
        self._http = http
        self._clock = clock

    def ask(self, path, key, **more):
        """The answer. Who has a deadline is gone when it is over."""
        headers = {"authorization": f"Bearer {key}"}
        timeout_s = more.get("timeout_s", LONGEST_S)
        return self._http.post(path, json={**ASKS[path], **more}, headers=headers, timeout=timeout_s)

    def get(self, path, key):
        """The same of a route that is read."""
        return self._http.get(path, headers={"authorization": f"Bearer {key}"})

    def stream(self, key, prompt):
        """The names of a stream's events, as they come."""
        body = {"messages": [{"role": "user", "content": prompt}], "model_group": "fast"}
        headers = {"authorization": f"Bearer {key}"}
        with self._http.stream("POST", "/v1/stream", json=body, headers=headers) as answer:
            assert answer.status_code == 200
            yield from (line.removeprefix("event: ") for line in answer.iter_lines() if line.startswith("event: "))

    def recover(self, path):
        """Ask until the store is used again: it is asked once it has been left alone for long enough."""
        for _ in range(MOST_ASKS):
            self._clock.passes(COOLDOWN_S)
            if "x-gateway-degraded" not in self.ask(path, FREE).headers:
                return
        pytest.fail("the store is not asked again")


@pytest.fixture
def client(running, clock):
    with httpx.Client(base_url=running.urls["Gateway"], timeout=LONGEST_S) as http:
        yield Client(http, clock)


def refused(answer):
    """503, with a time to come back and without the store's own words."""
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable"), answer.text
    assert int(answer.headers["retry-after"]) >= 1
    assert "WRONGPASS" not in answer.text
    assert "max requests" not in answer.text


@pytest.fixture
def known(client, store, fail):
    """The store is there, and every function knows both callers, each by itself."""
    fail()
    for path in ASKS:
        client.recover(path)
        assert client.ask(path, LIMITED).status_code == 200
    for path in (*REPORTS, *LISTS):
        assert client.get(path, FREE).status_code == 200


def under(*faults):
    """The test under each of these faults."""
    return pytest.mark.parametrize("fault", faults, ids=lambda fault: fault["kind"])


@under(*FAULTS)
def test_a_store_that_fails(client, known, fail, fault):
    """Who has no limits is served and told so, who has is refused, in time; then all is as before, not restarted."""
    fail(fault)
    for path in ASKS:
        timeout = {"timeout_s": DEADLINE_S} if path in OWN_ROUTES else {}
        answer = client.ask(path, FREE, **timeout)
        assert (answer.status_code, answer.headers["x-gateway-degraded"]) == (200, "store"), answer.text
        refused(client.ask(path, LIMITED, **timeout))
    fail()
    for path in ASKS:
        client.recover(path)
        assert client.ask(path, LIMITED).status_code == 200


@under(*FAULTS[:4])
def test_what_is_only_read(client, known, fail, fault):
    """Reports are refused, lists come without their live part, and the process is alive; then all is as before."""
    fail(fault)
    for path in REPORTS:
        refused(client.get(path, FREE))
    for path in LISTS:
        answer = client.get(path, FREE)
        assert (answer.status_code, answer.headers["x-gateway-degraded"]) == (200, "store")
    assert client.get("/health", "none").status_code == 200
    fail()
    client.recover("/v1/complete")
    for path in REPORTS:
        assert client.get(path, FREE).status_code == 200


@under(*FAULTS[:4])
async def test_the_tools_of_mcp(running, client, known, fail, fault):
    """As the routes that they stand for."""
    url = f"{running.urls['Gateway']}/mcp"
    async with official(url, FREE, "auto") as free, official(url, LIMITED, "auto") as limited:
        for tool, arguments in TOOLS.items():
            assert not (await free.call_tool(tool, arguments)).is_error
        assert not (await limited.call_tool("complete", TOOLS["complete"])).is_error
        fail(fault)
        for tool, arguments in TOOLS.items():
            told = await free.call_tool(tool, arguments)
            assert not told.is_error, (tool, told)
        for client_of, tool in ((free, "get_usage"), (limited, "complete"), (limited, "stream_complete")):
            told = await client_of.call_tool(tool, TOOLS.get(tool, {}))
            assert (told.is_error, told.content[0].text.partition(":")[0]) == (True, "store_unavailable")


@pytest.mark.parametrize("key", [FREE, LIMITED])
@under(DOWN, SLOW)
def test_a_stream_that_loses_the_store_midway(client, known, fail, fault, key):
    """It was admitted, so it is answered to its end, whoever asked; the backlog keeps what is to be settled."""
    events = client.stream(key, "[[words=20]] [[pace=20]]")
    assert next(events) == "chunk"
    fail(fault)
    assert list(events)[-1] == "done"


def test_a_store_that_forgot_its_scripts(client, known, server):
    """Evicted scripts are sent again within the same call: nobody notices, and nothing is degraded."""
    for path in ASKS:
        for key in (FREE, LIMITED):
            flushed = httpx.post(server.url, headers=BEARER, json=["SCRIPT", "FLUSH"], timeout=patience(30))
            assert flushed.json() == {"result": "OK"}
            answer = client.ask(path, key)
            assert (answer.status_code, answer.headers.get("x-gateway-degraded")) == (200, None)


async def test_the_books_add_up_after_all_that(running, store, fail, backlog):
    """The stack settled its backlog by itself: each request is in the books once; the log explains what is held."""
    fail()
    ends_s = time.monotonic() + patience(60)
    while FileBacklog(backlog).files():
        assert time.monotonic() < ends_s, "the backlog is not settled"
        await asyncio.sleep(0.05)
    lines = [json.loads(line) for line in running.log if line.startswith("{")]
    messages = [line["message"] for line in lines]
    assert "usage not settled" not in messages
    assert messages.count("usage in the backlog") == messages.count("usage replayed") > 0
    told = [line["usage"]["request_id"] for line in lines if line["message"] == "usage"]
    lost = {line["ticket"]["request_id"] for line in lines if line["message"] == "admission lost"}
    (day,) = {day_key(utc_date(line["usage"]["at_ms"])) for line in lines if line["message"] == "usage"}
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
