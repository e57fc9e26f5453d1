"""Faults on demand: off unless the app was made with them."""

from __future__ import annotations

import asyncio
import json
from typing import override

import httpx
import pytest

from local.serving import serve
from local.upstash.app import create_app
from local.upstash.faults import Fault, FaultKind, Faults
from tests.loop_time import ends_after
from tests.patience import patience

LOCALHOST = "http://127.0.0.1"

# 15. faults


class Noticed(Faults):
    """Tells when a request comes."""

    def __init__(self, *faults):
        super().__init__(faults)
        self.asked = asyncio.Event()

    @override
    def take(self):
        self.asked.set()
        return super().take()


async def test_latency_delays_the_answer_and_runs_the_command(valkey):
    """The next request takes the delay, the one after it does not count."""
    faults = Noticed(Fault(FaultKind.LATENCY, delay_ms=120))
    app = create_app(redis_port=valkey.port, token="t", faults=faults)
    headers = {"authorization": "Bearer t"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=LOCALHOST, headers=headers) as http:
        answer = await ends_after(0.12, http.post("/", json=["ECHO", "v"]), faults.asked.wait())
        assert answer.json() == {"result": "v"}
        assert (await http.post("/", json=["PING"])).json() == {"result": "PONG"}
    await app._pool.close()


def test_a_hang_lasts_until_the_client_gives_up(api, upstash_faults):
    """The client times out, nothing ran, and the next request is served."""
    upstash_faults.plan(Fault(FaultKind.HANG))
    with pytest.raises(httpx.ReadTimeout):
        api.http.post("/", json=["SET", "k", "v"], timeout=httpx.Timeout(patience(10), read=0.1))
    assert api.run("EXISTS", "k") == 0


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "text"),
    [
        (FaultKind.HTML, 502, "text/html", "<html>"),
        (FaultKind.THROTTLED, 429, "application/json", '{"error":"ERR max requests limit exceeded"}'),
        (FaultKind.CRASH, 500, "application/json", '{"message":"Internal Server Error"}'),
    ],
)
def test_a_failure_is_answered_in_place_of_the_command(api, upstash_faults, kind, status, content_type, text):
    """Status and body are the fault's, on every endpoint, and nothing runs."""
    upstash_faults.plan(Fault(kind, times=2))
    for path, body in (("/", ["SET", "k", "v"]), ("/pipeline", [["SET", "k", "v"]])):
        response = api.post(body, path)
        assert response.status_code == status
        assert response.headers["content-type"].startswith(content_type)
        assert response.text.startswith(text)
    assert api.run("EXISTS", "k") == 0


def test_a_dropped_answer_leaves_the_command_executed(api, upstash_faults):
    """The client sees a broken connection; the write has happened."""
    upstash_faults.plan(Fault(FaultKind.DROP))
    with pytest.raises(httpx.RemoteProtocolError):
        api.post(["INCR", "k"])
    assert api.run("GET", "k") == "1"


def test_faults_skip_repeat_and_follow_each_other(api, upstash_faults):
    """`skip` lets requests pass, `times` counts, the next fault waits for its turn."""
    upstash_faults.plan(Fault(FaultKind.HTML, times=2, skip=1), Fault(FaultKind.CRASH))
    assert [api.post(["PING"]).status_code for _ in range(5)] == [200, 502, 502, 500, 200]


def test_a_fault_without_a_count_stays_until_it_is_cleared(api, upstash_faults):
    """`times` None never runs out."""
    upstash_faults.plan(Fault(FaultKind.CRASH, times=None))
    assert {api.post(["PING"]).status_code for _ in range(3)} == {500}
    upstash_faults.plan()
    assert api.post(["PING"]).status_code == 200


def test_faults_are_planned_over_http(api):
    """POST sets, GET tells what is left, an empty list clears; none of these is itself hit."""
    plan = [{"kind": "crash", "times": 2}, {"kind": "latency", "delay_ms": 1, "skip": 3}]
    full = [{"kind": "crash", "times": 2, "skip": 0, "delay_ms": 0}, {**plan[1], "times": 1}]
    assert api.post(plan, "/__faults").json() == full
    assert api.post(["PING"]).status_code == 500
    assert api.http.get("/__faults").json() == [{**full[0], "times": 1}, full[1]]
    assert api.post([], "/__faults").json() == []
    assert api.post(["PING"]).status_code == 200


@pytest.mark.parametrize(
    "plan", [{}, [1], [{}], [{"kind": "fire"}], [{"kind": "crash", "times": 0}], [{"kind": "crash", "x": 1}], "hang"]
)
def test_a_plan_that_is_none_is_refused(api, upstash_faults, plan):
    """400 with an error object, and the old plan stands."""
    upstash_faults.plan(Fault(FaultKind.LATENCY, times=None))
    response = api.raw(json.dumps(plan).encode(), "/__faults")
    assert response.status_code == 400
    assert response.json()["error"].startswith("ERR bad fault: ")
    assert upstash_faults.planned() == (Fault(FaultKind.LATENCY, times=None),)


def test_an_unauthenticated_request_uses_no_fault_up(api, upstash_faults):
    """Faults count requests that would have run."""
    upstash_faults.plan(Fault(FaultKind.CRASH))
    assert httpx.post(api.url, json=["PING"], timeout=patience(30)).status_code == 401
    assert api.post(["PING"]).status_code == 500


def test_an_app_without_faults_has_no_such_endpoint(valkey):
    """By default `/__faults` is a command that nobody knows."""
    app = create_app(redis_port=valkey.port, token="t")
    with (
        serve(app) as url,
        httpx.Client(base_url=url, headers={"Authorization": "Bearer t"}, timeout=patience(30)) as http,
    ):
        response = http.post("/__faults", json=[{"kind": "crash"}])
        assert response.status_code == 400
        assert response.json()["error"].startswith("ERR unknown command '__faults'")
        assert http.post("/", json=["PING"]).json() == {"result": "PONG"}
