"""Hundreds of streams at once, of which many break: none looks finished that is not, and all are in the books."""

import json
import re
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from local.providers import base_urls
from tests.e2e.conftest import KEY, PROVIDER_KEYS, fork, stop
from tests.e2e.mixture import UPSTREAM, jobs, play
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(180)]

PROJECT = "dev"
THREADS = 24
ROUNDS = 2
STREAMS = 500
SIGNS = {
    "/v1/stream": [{"done"}],
    "/v1/chat/completions": [{reason, "usage", "[DONE]"} for reason in ("stop", "tool_calls")],
}
CONFIG = """
breaker: {failures: 100000}
failover: {retries: 0}
limits: {stall_timeout_s: %s}
store: {timeout_s: 30, connect_timeout_s: 30}
"""


@pytest.fixture(scope="module")
def impatient(providers_url, tmp_path_factory):
    """A stack of its own: it waits for a silent provider not for long, its breakers never open, and no retry heals."""
    path = tmp_path_factory.mktemp("mixed") / "config.yaml"
    path.write_text(CONFIG % min(290, patience(2)))
    running = fork(**PROVIDER_KEYS, **base_urls(providers_url), GATEWAY_DEV_KEY=KEY, GATEWAY_CONFIG=str(path))
    warm_up(running.urls["Gateway"])
    yield running
    assert stop(running) == 0


def warm_up(url):
    """Load what is loaded when it is first needed: else it keeps the first streams waiting, all at once."""
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=patience(50)) as http:
        for model in UPSTREAM:
            body = {"messages": [{"role": "user", "content": "Hello"}], "model": model, "project_id": "warm-up"}
            assert http.post("/v1/stream", json=body).status_code == 200
            assert http.post("/v1/tokens", json={"text": "Hello", "model": model}).status_code == 200


@pytest.fixture
def http(impatient):
    """A client of the impatient stack."""
    limits = httpx.Limits(max_connections=THREADS, max_keepalive_connections=THREADS)
    headers = {"authorization": f"Bearer {KEY}"}
    url = impatient.urls["Gateway"]
    with httpx.Client(base_url=url, headers=headers, timeout=patience(50), limits=limits) as client:
        yield client


@pytest.fixture
def mixture(http, providers):
    """What was played, and the provider calls of each job, in order."""
    played, calls = [], defaultdict(list)
    everything = jobs(STREAMS)
    share = STREAMS // ROUNDS  # the simulator remembers the last 500 calls
    for first in range(0, STREAMS, share):
        providers.delete("/__calls")
        with ThreadPoolExecutor(THREADS) as pool:
            played += pool.map(lambda job: play(http, providers, job), everything[first : first + share])
        for call in providers.get("/__calls", params={"wait_idle_s": patience(5)}).json()["requests"]:
            number = re.search(r"job (\d+);", json.dumps(call["body"]))
            calls[int(number[1])].append(call)
    return played, calls


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


def test_broken_streams_look_broken_and_all_are_charged(impatient, http, mixture):
    """500 streams over 24 threads: a complete answer is told only of complete ones, and each request has one record.

    Complete ones are charged what the provider counted, to the token; the others at least for what was delivered.
    """
    played, calls = mixture
    records = books(impatient, http, STREAMS)
    by_id = {record["request_id"]: record for record in records}
    assert len(records) == len(by_id) == STREAMS
    assert set(by_id) == {one.request_id for one in played}
    fates = Counter()
    for one in played:
        record, last = by_id[one.request_id], calls[one.job.number][-1]
        counted = (last["input_tokens"], last["generated_tokens"])
        charged = (record["input_tokens"], record["output_tokens"])
        if one.left:
            fates["left"] += 1
            assert (record["error_code"] != "", one.ended) == (True, set()), one
            assert charged[1] >= one.chunks
            if last["fault"] in (None, "stall"):
                assert (record["error_code"], last["outcome"]) == ("cancelled", "disconnected"), one
        elif one.ended:
            fates["ended"] += 1
            assert one.ended in SIGNS[one.job.path], one
            assert (one.error, record["error_code"], last["outcome"]) == ("", "", "ok"), (one, record)
            assert one.usage == charged == counted, (one, last)
            assert one.cost == record["cost_usd"]
        else:
            fates[last["fault"]] += 1
            assert record["error_code"] == one.error != "", one
            assert (last["outcome"] != "ok") or last["fault"] == "content_filter", (
                one.error,
                one.chunks,
                record,
                last["outcome"],
            )
            if one.chunks:
                assert charged[0] >= counted[0], (one, last, charged)
                assert charged[1] >= counted[1], (one, last, charged)
    assert min(fates[fate] for fate in ("left", "server_error", "cut", "stall", "malformed", "content_filter")) >= 10
    assert fates["ended"] > STREAMS / 2
    totals = http.get("/v1/usage").json()["totals"]
    told = ("input_tokens", "output_tokens")
    assert {name: totals[name] for name in told} == {name: sum(record[name] for record in records) for name in told}
    assert (totals["requests"], totals["requests"] - totals["errors"]) == (STREAMS, fates["ended"])
