"""A job of 500 questions whose process is killed three times, and whose store once: books that know of every call."""

import socket
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace

import httpx
import pytest

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.times import day_key, utc_date
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from local.serving import serve
from local.upstash.app import create_app as create_store
from local.valkey import Valkey
from tests.fleet.conftest import TOKEN
from tests.fleet.fleet import fleet
from tests.fleet.process import run_jobs
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("fleet"), pytest.mark.timeout(600)]

QUESTIONS = 500
KILLED_AT = (60, 180, 300)
"""How many answers the log had when the process was killed."""
STORE_KILLED_AT = 400
MODEL = "claude-haiku-3.5"
ENDED = {"succeeded", "failed", "cancelled"}


class KeptStore:
    """A store that keeps what it was told on disk, so that it can be killed and started again, at the same address.

    While it is away nobody else gets its port: a bound socket that does not listen refuses all connections, and on
    Linux a server may listen beside it. The port of Valkey is another each time.
    """

    def __init__(self, folder):
        self._folder = str(folder)
        self._reserved = socket.socket()
        self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._reserved.bind(("127.0.0.1", 0))
        self._port = self._reserved.getsockname()[1]
        if sys.platform != "linux":
            self._reserved.close()
        self.url = f"http://127.0.0.1:{self._port}"
        self._running = ExitStack()

    def start(self):
        valkey = self._running.enter_context(Valkey(folder=self._folder))
        self._running.enter_context(serve(create_store(redis_port=valkey.port, token=TOKEN), self._port))

    def stop(self):
        self._running.close()

    def close(self):
        """Stop for good."""
        self.stop()
        self._reserved.close()


@contextmanager
def member(environ, key):
    """A process that works on jobs, until it is killed or the block is left, and who asks it."""
    with fleet(1, environ, target=run_jobs) as started, closing(Client(started.members[0].url, key)) as client:
        yield started.members[0], client


def question(number):
    """Some of them cite an earlier one; none is answered from the cache."""
    cites = f" {{Q{number - 7}_result}}" if number % 10 == 0 else ""
    return {"index": number, "question": f"say {number}{cites}", "model": MODEL, "cache": False, "max_tokens": 64}


class Client:
    """Asks one process."""

    def __init__(self, url, key):
        headers = {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False)

    def close(self):
        self._http.close()

    def accept(self, body):
        answer = self._http.post("/ask", params={"mode": "job"}, json=body, headers={"Idempotency-Key": "once"})
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def look(self, job_id, **query):
        return self._http.get(f"/ask/{job_id}", params=query)

    def results(self, job_id):
        """All pages."""
        found, cursor = [], 0
        while cursor is not None:
            page = self.look(job_id, cursor=cursor, limit=200).json()
            found, cursor = found + page["results"], page["next"]
        return found


def until(client, job_id, is_there):
    """Look at the job until it is so; a store that is away is looked at again. The limit is for what never comes."""
    ends_s = time.monotonic() + patience(120)
    while time.monotonic() < ends_s:
        answer = client.look(job_id, limit=1)
        if answer.status_code == 200 and is_there(answer.json()):
            return answer.json()
    raise AssertionError("it does not come to that")


async def test_five_hundred_questions_outlive_three_processes_and_a_store(backend, simulator, tmp_path):
    """One answer each. Every call of the simulator has its record, or a hold that waits for one."""
    simulator.fault("anthropic", "slow", delay_ms=50)
    kept = KeptStore(tmp_path)
    kept.start()
    environ = {**backend.environ, "UPSTASH_REDIS_REST_URL": kept.url}
    key = new_key("alpha")
    store = UpstashStore(kept.url, TOKEN, connect_timeout_s=10, timeout_s=10)
    try:
        await store.put_key(KeyRecord(project_id="alpha", digest=digest_of(key)))
        job_id, body = "", {"questions": [question(number) for number in range(1, QUESTIONS + 1)]}
        for least in KILLED_AT:
            with member(environ, key) as (alive, client):
                job_id = client.accept(body)  # a copy of the request, from the second time on
                until(client, job_id, lambda job, least=least: job["answered"] >= least)
                alive.kill()
        with member(environ, key) as (_alive, client):
            until(client, job_id, lambda job: job["answered"] >= STORE_KILLED_AT)
            kept.stop()
            kept.start()
            job = until(client, job_id, lambda job: job["state"] in ENDED)
            results = client.results(job_id)
        await judge(job, results, store, simulator)
    finally:
        await store.close()
        kept.close()


async def judge(job, results, store, simulator):
    """One end for each question, and books that hold at least what the simulator counted."""
    assert job["state"] == "succeeded"
    assert Counter(result["index"] for result in results) == dict.fromkeys(range(1, QUESTIONS + 1), 1)
    assert {result["status"] for result in results} == {"success"}
    assert (job["answered"], job["succeeded"]) == (QUESTIONS, QUESTIONS)
    now_ms = time.time_ns() // 1_000_000
    records = await all_records(store, now_ms)
    holds = await store.open_holds("alpha", month=day_key(utc_date(now_ms))[:6])
    counted = simulator.calls()["providers"]["anthropic"]
    calls = sum(model["calls"] for model in counted.values())
    tokens = sum(model["input_tokens"] + model["output_tokens"] for model in counted.values())
    booked = [record.request_id for record in records]
    assert len(set(booked)) == len(booked)
    assert calls <= len(booked) + len(holds)
    most_lost = 16 * (len(KILLED_AT) + 1)
    assert QUESTIONS <= calls <= QUESTIONS + 2 * most_lost
    known = sum(record.input_tokens + record.output_tokens for record in records)
    assert known <= tokens <= known + sum(hold.hold_tokens for hold in holds)


async def all_records(store, now_ms):
    """Those of today, and of yesterday if midnight has passed meanwhile."""
    records = []
    for at_ms in (now_ms - 600_000, now_ms):
        day, page, cursor = day_key(utc_date(at_ms)), None, ""
        while page is None or cursor:
            page = await store.usage_records("alpha", day=day, after=cursor, limit=1000)
            records, cursor = [*records, *page.records], page.cursor
    return list({replace(record): None for record in records})
