"""Hundreds of streams at once, of which many break: none looks finished that is not, and all are in the books.

They come by both engines: half of them from a stack in which wires of our own speak to some providers and LiteLLM to
the others, half from one in which it is the other way round.
"""

import asyncio
import json
import re
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway_core.adapters.upstash import UpstashStore
from local.providers import base_urls
from tests import engines
from tests.e2e.conftest import KEY, PROVIDER_KEYS, Stack, fork, stop
from tests.e2e.mixture import UPSTREAM, Played, jobs, play
from tests.engines import OURS
from tests.forked import LITELLM
from tests.patience import patience

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

PROJECT = "dev"
THREADS = 24
STREAMS = 500
SHARE = STREAMS // len(OURS)
"""The streams of one stack: the simulator remembers the last 500 calls."""
SIGNS = {
    "/v1/stream": [{"done"}],
    "/v1/chat/completions": [{reason, "usage", "[DONE]"} for reason in ("stop", "tool_calls")],
}
CONFIG = """
providers: %s
breaker: {failures: 100000}
failover: {retries: 0}
limits: {stall_timeout_s: %s}
store: {timeout_s: 30, connect_timeout_s: 30}
"""


@dataclass(frozen=True)
class Mixed:
    """A stack, a client of it, and what was played there: by whom, and the provider calls of each job in order."""

    stack: Stack
    http: httpx.Client
    played: list[Played]
    calls: dict[int, list[dict[str, Any]]]
    ours: frozenset[str]


@pytest.fixture(scope="module")
def impatient(providers_url, tmp_path_factory):
    """Stacks of their own: they wait for a silent provider not for long, no breaker opens, and no retry heals."""
    folder, started = tmp_path_factory.mktemp("mixed"), []
    for number, ours in enumerate(OURS):
        path = folder / f"config-{number}.yaml"
        path.write_text(CONFIG % (engines.providers(ours), min(290, patience(2))))
        environ = {**PROVIDER_KEYS, **base_urls(providers_url), "GATEWAY_DEV_KEY": KEY, "GATEWAY_CONFIG": str(path)}
        running = fork(preloaded=LITELLM, **environ)
        started.append(running)
        warm_up(running.urls["Gateway"])
    yield started
    assert [stop(running) for running in started] == [0] * len(OURS)


def warm_up(url):
    """Load what is loaded when it is first needed: else it keeps the first streams waiting, all at once."""
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=patience(50)) as http:
        for model in UPSTREAM:
            body = {"messages": [{"role": "user", "content": "Hello"}], "model": model, "project_id": "warm-up"}
            assert http.post("/v1/stream", json=body).status_code == 200
            assert http.post("/v1/tokens", json={"text": "Hello", "model": model}).status_code == 200


@pytest.fixture
def mixture(impatient, providers):
    """All jobs, in equal parts at the stacks."""
    everything, mixed = jobs(STREAMS), []
    limits = httpx.Limits(max_connections=THREADS, max_keepalive_connections=THREADS)
    options = {"headers": {"authorization": f"Bearer {KEY}"}, "timeout": patience(50), "limits": limits}
    with ExitStack() as clients:
        for number, (stack, ours) in enumerate(zip(impatient, OURS, strict=True)):
            http = clients.enter_context(httpx.Client(base_url=stack.urls["Gateway"], **options))
            mixed.append(Mixed(stack, http, *played(http, providers, everything[number * SHARE :][:SHARE]), ours))
        yield mixed


def played(http, providers, todo):
    """What the callers heard, and the calls that the providers had of each job."""
    providers.delete("/__faults")
    providers.delete("/__calls")
    with ThreadPoolExecutor(THREADS) as pool:
        heard = list(pool.map(lambda job: play(http, providers, job), todo))
    calls = defaultdict(list)
    for call in providers.get("/__calls", params={"wait_idle_s": patience(5)}).json()["requests"]:
        number = re.search(r"job (\d+);", json.dumps(call["body"]))
        calls[int(number[1])].append(call)
    return heard, calls


def books(stack, http, count):
    """All usage records; the last ones are written when the callers who left are missed."""
    stack.prints(f'"project_id":"{PROJECT}","gen_ai', times=count)  # a moment before it is in the books
    records = []
    while len(records) < count:
        records, cursor = [], ""
        while cursor is not None:
            page = http.get(
                "/v1/usage/records", params={"limit": 1000, **({"cursor": cursor} if cursor else {})}
            ).json()
            records += page["records"]
            cursor = page["next_cursor"]
    return records


def test_broken_streams_look_broken_and_all_are_charged(mixture):
    """500 streams over 24 threads: a complete answer is told only of complete ones, and each request has one record.

    Complete ones are charged what the provider counted, to the token; the others at least that. Nothing stays held.
    """
    fates = Counter()
    for mixed in mixture:
        fates += fates_in(mixed)
        sent_right(mixed)
    assert min(fates[fate] for fate in ("left", "server_error", "cut", "stall", "malformed", "content_filter")) >= 10
    assert fates["ended"] > STREAMS / 2


def fates_in(mixed):
    """How the streams of one stack ended, once each is found rightly told and charged."""
    records = books(mixed.stack, mixed.http, SHARE)
    by_id = {record["request_id"]: record for record in records}
    assert len(records) == len(by_id) == SHARE
    assert set(by_id) == {one.request_id for one in mixed.played}
    fates = Counter(fate_of(one, by_id[one.request_id], mixed.calls[one.job.number][-1]) for one in mixed.played)
    totals = mixed.http.get("/v1/usage").json()["totals"]
    told = ("input_tokens", "output_tokens")
    assert {name: totals[name] for name in told} == {name: sum(record[name] for record in records) for name in told}
    assert (totals["requests"], totals["requests"] - totals["errors"]) == (SHARE, fates["ended"])
    assert asyncio.run(open_holds(mixed.stack)) == []
    return fates


def fate_of(one, record, last):
    """How a stream ended. The record is right for what the caller heard, and for what the provider's last call was."""
    counted = (last["input_tokens"], last["generated_tokens"])
    charged = (record["input_tokens"], record["output_tokens"])
    if one.left:
        assert (record["error_code"] != "", one.ended) == (True, set()), one
        assert charged[1] >= one.chunks
        assert_paid(last, charged)
        if last["fault"] in (None, "stall"):
            assert (record["error_code"], last["outcome"]) == ("cancelled", "disconnected"), one
        return "left"
    if one.ended:
        assert one.ended in SIGNS[one.job.path], one
        assert (one.error, record["error_code"], last["outcome"]) == ("", "", "ok"), (one, record)
        assert one.usage == charged == counted, (one, last)
        assert one.cost == record["cost_usd"]
        return "ended"
    assert record["error_code"] == one.error != "", one
    told = (one.error, one.chunks, record, last["outcome"])
    assert (last["outcome"] != "ok") or last["fault"] == "content_filter", told
    assert_paid(last, charged)
    return last["fault"]


def assert_paid(call, charged):
    """Whatever the provider wrote, delivered or not, is charged; an error is free."""
    if call["outcome"] != "error":
        assert charged[0] >= call["input_tokens"], (call, charged)
        assert charged[1] >= call["generated_tokens"], (call, charged)


async def open_holds(stack):
    """All holds of the project."""
    store = UpstashStore(stack.urls["Store"], "local", connect_timeout_s=30, timeout_s=30)
    try:
        return await store.open_holds(PROJECT, month=time.strftime("%Y%m", time.gmtime()))
    finally:
        await store.close()


def sent_right(mixed):
    """Each call was sent by the engine that the configuration names."""
    for call in (call for calls in mixed.calls.values() for call in calls):
        is_ours = call["headers"]["user-agent"] == "llm-gateway"
        assert is_ours == (call["provider"] in mixed.ours), call["headers"]
