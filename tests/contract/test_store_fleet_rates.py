"""Rate limits in a fleet: processes of their own over one Valkey, through the REST stand-in."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.contract.conftest import TOKEN
from tests.contract.desk import MONTH, NOON
from tests.contract.fleet_worker import RPM
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("fleet-rates"), pytest.mark.timeout(120)]

PROCESSES = 4
KEY = "gk_alpha_fleet"
INTERVAL_MS = 60_000 // RPM


@dataclass
class Process:
    """One of them."""

    popen: subprocess.Popen[str]

    def start(self, at_ms: int, *requests: str, **job: Any) -> None:
        """Let it run requests at a time after noon."""
        assert self.popen.stdin
        self.popen.stdin.write(json.dumps({"now": NOON + at_ms, "requests": requests, **job}) + "\n")
        self.popen.stdin.flush()

    def result(self) -> dict[str, Any]:
        assert self.popen.stdout
        return json.loads(self.popen.stdout.readline())

    def run(self, at_ms: int, *requests: str, **job: Any) -> dict[str, Any]:
        self.start(at_ms, *requests, **job)
        return self.result()

    def kill(self) -> None:
        """As the machine does that dies."""
        self.popen.kill()
        self.end()

    def end(self) -> None:
        """Tell it that there are no more jobs, and wait for its end."""
        assert self.popen.stdin
        assert self.popen.stdout
        self.popen.stdin.close()
        assert self.popen.wait(patience(20)) in (0, -signal.SIGKILL)
        self.popen.stdout.close()


@pytest.fixture
async def key(upstash) -> str:
    """A key without limits."""
    await upstash.put_key(KeyRecord("alpha", digest_of(KEY)))
    return KEY


@pytest.fixture(scope="module")
def processes(redis_server) -> Iterator[list[Process]]:
    """Those that run. Each takes a second of CPU to start, so a test has those of the one before it."""
    running: list[Process] = []
    yield running
    for process in running:
        process.end()


@pytest.fixture
def fleet(redis, key, processes) -> list[Process]:
    """Four processes that have all reached the store; in place of those that died there are new ones."""
    processes[:] = [process for process in processes if process.popen.poll() is None]
    command = [sys.executable, "-m", "tests.contract.fleet_worker", redis.url, TOKEN, key]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes += [Process(subprocess.Popen(command, **pipes)) for _ in range(PROCESSES - len(processes))]
    for number, process in enumerate(processes):
        process.start(-3_600_000, f"warm-{number}")
    assert [process.result()["results"][0]["model"] for process in processes] == ["first"] * PROCESSES
    return processes


def outcome(done):
    """Models, outcomes and codes of the only request's attempts."""
    (result,) = done["results"]
    return [tuple(attempt[:1] + attempt[2:]) for attempt in result["attempts"]]


async def test_a_limited_model_is_left_alone_for_seven_seconds_by_every_process(fleet):
    """429 with Retry-After 7: answered by the fallback without waiting, and nobody calls the model until then."""
    first, *others = fleet
    done = first.run(0, "r1", limited=7)
    assert outcome(done) == [("first", "failed", "rate_limited"), ("second", "ok", None)]
    assert (done["results"][0]["waited"], done["moved"], done["called"]) == (0, 0, ["first", "second"])
    skipped = [("first", "skipped", "breaker_open"), ("second", "ok", None)]
    for at_ms in (1, 3500, 6999):
        for number, process in enumerate(fleet):
            done = process.run(at_ms, f"r-{at_ms}-{number}")
            assert (outcome(done), done["called"], done["results"][0]["waited"]) == (skipped, ["second"], 0)
    for number, process in enumerate(fleet):
        process.start(7000, *(f"p-{number}-{n}" for n in range(5)))
    called = [name for process in fleet for name in process.result()["called"]]
    assert len(called) == 5 * PROCESSES
    assert called.count("first") >= 1
    assert others[0].run(7001, "after")["called"] == ["first"]


async def test_many_callers_of_many_processes_queue_in_one_line(fleet, redis):
    """Each waits one interval longer than the one before it, whatever its process, and nobody is left out."""
    redis.run("HSET", "pv", "rq|first-provider", (NOON + 60_000) * 1000)
    callers = 20
    for number, process in enumerate(fleet):
        process.start(0, *(f"q-{number}-{n}" for n in range(callers)), group="one")
    waits = [[round(1000 * r["waited"]) for r in process.result()["results"]] for process in fleet]
    everybody = sorted(wait for mine in waits for wait in mine)
    assert everybody == [INTERVAL_MS * place for place in range(1, callers * PROCESSES + 1)]


async def test_a_full_line_refuses_with_the_moment_at_which_there_is_room(fleet, redis):
    """Beyond the queue's patience: 429 at once; retried at the moment it names, the same request starts at once."""
    redis.run("HSET", "pv", "rq|first-provider", (NOON + 65_000) * 1000)
    (refused,) = fleet[0].run(0, "late", group="one")["results"]
    assert (refused["error"], refused["retry_after_s"]) == ("rate_limited", 5.05)
    (early,) = fleet[1].run(5049, "late", group="one")["results"]
    assert early["waited"] == 0.001
    redis.run("HSET", "pv", "rq|first-provider", (NOON + 65_000) * 1000)
    (answered,) = fleet[2].run(5050, "again", group="one")["results"]
    assert (answered["model"], answered["waited"]) == ("first", 0)


async def test_who_can_serve_now_goes_before_who_must_wait(fleet, redis):
    """A full line at the first model sends nobody waiting while the second is free."""
    redis.run("HSET", "pv", "rq|first-provider", (NOON + 61_000) * 1000)
    done = fleet[0].run(0, "r1")
    assert outcome(done) == [("first", "skipped", "rate_limited"), ("second", "ok", None)]
    assert done["results"][0]["waited"] == 0


async def test_a_process_that_dies_in_the_line_keeps_nobody_waiting(fleet, redis, upstash):
    """Its place passes unused, others go on as booked, and its money stays held until somebody reconciles it."""
    redis.run("HSET", "pv", "rq|first-provider", (NOON + 60_000) * 1000)
    doomed, *others = fleet
    assert doomed.run(0, "dies", group="one", hold=True) == {"waiting": 0.05}
    doomed.kill()
    waits = [process.run(0, f"q-{n}", group="one")["results"][0]["waited"] for n, process in enumerate(others)]
    assert waits == [0.1, 0.15, 0.2]
    (hold,) = await upstash.open_holds("alpha", month=MONTH)
    assert (hold.request_id, hold.unconfirmed) == ("dies", False)
