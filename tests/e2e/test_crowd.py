"""Many callers at once at a real stack, in one process and in several: who is served, and the books after."""

import os
import re
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import httpx
import pytest

from tests.e2e.conftest import fork, stop
from tests.local.test_live_events import watching
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("crowd"), pytest.mark.timeout(300)]

HELLO = [{"role": "user", "content": "Hello"}]
ASKED = {"messages": HELLO, "model": "gpt-5.1", "max_tokens": 64}
CROWD = 64
OPEN = {"queued", "running"}


def ask(stack, number=1):
    """Answers to so many requests that are made at once, each over a connection of its own."""
    url, headers = f"{stack.urls['Gateway']}/v1/complete", {"authorization": f"Bearer {stack.urls['Key']}"}

    def one(_number):
        return httpx.post(url, headers=headers, json=ASKED, timeout=patience(120))

    with ThreadPoolExecutor(number) as threads:
        return list(threads.map(one, range(number)))


def read(stack, path):
    headers = {"authorization": f"Bearer {stack.urls['Key']}"}
    return httpx.get(stack.urls["Gateway"] + path, headers=headers, timeout=patience(60)).raise_for_status().json()


def children_of(pid):
    """Of a process, by what the system says."""
    told = subprocess.run(
        ["/usr/bin/env", "ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    )
    return {int(line) for line in told.stdout.split()}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_crowd_is_served_and_booked(workers):
    """Nobody is refused at the defaults, every answer is in the books, and nothing is held in the end."""
    stack = fork(WORKERS=workers)
    answers = ask(stack, CROWD)
    assert [answer.status_code for answer in answers] == [200] * CROWD
    spent = sum(Decimal(answer.json()["cost"]["total_usd"]) for answer in answers)
    totals = read(stack, "/v1/usage")["totals"]
    assert (totals["requests"], totals["errors"], Decimal(totals["cost_usd"])) == (CROWD, 0, spent)
    assert {line["held_usd"] for line in read(stack, "/v1/budgets")["budgets"]} <= {"0", "0.0", "0.000000"}
    assert stop(stack) == 0


def test_who_is_too_many_is_refused_politely(tmp_path):
    """With a line that has no room: 503 `overloaded` with Retry-After, nothing in the books, and the rest is served."""
    config = tmp_path / "config.yaml"
    limits = "{concurrent_requests: 1, queued_requests: 2, queue_timeout_s: 290}"
    config.write_text(f"store: {{timeout_s: 30, connect_timeout_s: 30}}\nlimits: {limits}\n")
    stack = fork(GATEWAY_CONFIG=str(config))
    good = 0
    for _ in range(20):
        answers = ask(stack, 32)
        good += sum(answer.status_code == 200 for answer in answers)
        if refused := [answer for answer in answers if answer.status_code != 200]:
            break
    assert refused, "nobody was refused"
    assert {(answer.status_code, answer.json()["error"]["code"]) for answer in refused} == {(503, "overloaded")}
    assert all(int(answer.headers["retry-after"]) >= 1 and answer.json()["error"]["retryable"] for answer in refused)
    assert good
    assert read(stack, "/v1/usage")["totals"]["requests"] == good
    assert stop(stack) == 0


def test_workers_are_one_gateway():
    """What one does is seen at all, one that dies is replaced, and a job is worked on whoever took it."""
    stack = fork(WORKERS="2", DRAIN_S="5")
    url, key = stack.urls["Gateway"], stack.urls["Key"]
    with watching(f"{url}/v1/events", key) as events:
        ids = {answer.json()["id"] for answer in ask(stack, 16)}
        seen = set()
        while not ids <= seen:
            seen.add(next(events)["data"]["detail"].get("request_id"))
        question = {"questions": [{"index": 1, "question": "Hello?", "model": "gpt-5.1"}]}
        headers = {"authorization": f"Bearer {key}"}
        for number in range(4):
            headers["idempotency-key"] = f"job-{number}"
            accepted = httpx.post(f"{url}/ask?mode=job", headers=headers, json=question, timeout=patience(60))
            assert accepted.status_code == 202
            await_job(url, headers, accepted.json()["id"])
    assert stop(stack) == 0
    assert stack.text.count("Stopped.") == 1


def await_job(url, headers, job_id):
    """Until it has ended well."""
    end_s = time.monotonic() + patience(40)
    while (state := httpx.get(f"{url}/ask/{job_id}", headers=headers, timeout=patience(60)).json()["state"]) in OPEN:
        assert time.monotonic() < end_s, state
        time.sleep(0.05)
    assert state == "succeeded"


def test_a_part_that_is_gone_ends_all():
    """Nothing goes on without the store, which was started last, and the exit code says so."""
    stack = fork()
    os.kill(max(children_of(served_by(stack))), signal.SIGKILL)
    assert stack.process.wait(patience(30)) == 1
    stack.reader.join(patience(5))
    assert "has ended (-9), so everything is stopped." in stack.text


def test_a_worker_that_dies_is_replaced():
    """Its place is taken; the others serve meanwhile."""
    stack = fork(WORKERS="2")
    parent = min(served_by_all(stack))
    workers = served_by_all(stack) - {parent}
    assert len(workers) == 2
    os.kill(min(workers), signal.SIGKILL)
    stack.prints("Another one takes its place.")
    assert [answer.status_code for answer in ask(stack, 8)] == [200] * 8
    assert stop(stack) == 0


def served_by_all(stack):
    """The processes that listen at the gateway's port: what was started stands for them only."""
    port = stack.urls["Gateway"].rpartition(":")[2]
    told = subprocess.run(
        ["/usr/bin/env", "ss", "-ltnpH", f"sport = :{port}"], capture_output=True, text=True, check=True
    )
    return {int(pid) for pid in re.findall(r"pid=(\d+)", told.stdout)}


def served_by(stack):
    """The first of them, which is the parent of all others."""
    return min(served_by_all(stack))
