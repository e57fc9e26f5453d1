"""A store that is killed under load, twice, and a gateway that is: what was answered is in the books once.

The processes share a folder for their backlogs: those that live settle what the dead one left.
"""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from decimal import Decimal
from threading import Lock

import httpx
import pytest

from gateway_core.adapters.file_backlog import FileBacklog
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.times import day_key, utc_date
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from tests.fleet.conftest import TOKEN
from tests.fleet.fleet import fleet
from tests.fleet.process import run_replaying
from tests.fleet.test_jobs import KeptStore
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("fleet"), pytest.mark.timeout(600)]

PROCESSES, THREADS, REQUESTS = 3, 12, 360
STORE_KILLED_AT, PROCESS_KILLED_AT = (60, 240), 150
ACCIDENTS = (*STORE_KILLED_AT, PROCESS_KILLED_AT)
"""Before which request the store is killed and started again; before the last one a process is killed meanwhile, when
it has put something into its backlog."""
PAUSE_S = 0.05
"""Before a request that was refused, as the store is away, is sent again."""
DOLLAR = 10**9
CONFIG = "store: {timeout_s: 2, connect_timeout_s: 1}\nproviders: {anthropic: {engine: native}}\n"


@dataclass(frozen=True)
class Answered:
    """What a caller was told: the id, and the cost in nano-USD."""

    request_id: str
    nano: int


class Traffic:
    """Asks the processes that live, and lets accidents happen on the way, one at a time.

    Who is refused, as the store is away, asks again: so nobody gets to the next accident before the last one is over.
    """

    def __init__(self, members, key, store, folder, gate):
        self.living = list(members)
        self._store, self._folder, self._gate = store, folder, gate
        self._one_accident = Lock()
        self._headers = {"authorization": f"Bearer {key}"}

    def play(self):
        """All that was answered, whole or in a stream to its end."""
        with httpx.Client(timeout=patience(60), trust_env=False) as http, ThreadPoolExecutor(THREADS) as pool:
            told = pool.map(lambda number: self._play(http, number), range(REQUESTS))
            return [one for one in told if one]

    def _play(self, http, number):
        with self._one_accident if number in ACCIDENTS else nullcontext():
            self._accident(number)
        body = {"messages": [{"role": "user", "content": f"say {number}"}], "model": "claude-haiku-3.5"}
        ask = self._streamed if number % 3 == 0 else self._whole
        try:
            return self._until_answered(number, lambda url: ask(http, url, {**body, "max_tokens": 64}))
        except httpx.HTTPError:  # of the process that was killed
            return None

    def _until_answered(self, number, ask):
        """The limit is for a store that never comes back."""
        ends_s = time.monotonic() + patience(120)
        while time.monotonic() < ends_s:
            living = self.living
            if told := ask(living[number % len(living)].url):
                return told
            time.sleep(PAUSE_S)
        raise AssertionError("the store does not come back")

    def _accident(self, number):
        if number in STORE_KILLED_AT:
            self._store.stop()
            self._store.start()
        if number == PROCESS_KILLED_AT:
            self._stop_store_under_a_call()
            dying = eventually(self._who_has_a_backlog)
            self.living = [member for member in self.living if member is not dying]
            dying.kill()
            self._store.start()

    def _stop_store_under_a_call(self):
        """Some have been admitted then, and cannot be settled."""
        self._gate.shut()
        assert self._gate.arrived.acquire(timeout=patience(60))
        self._store.stop()
        self._gate.open()

    def _who_has_a_backlog(self):
        return next((one for one in self.living if list(self._folder.glob(f"*-{one.process.pid}.*"))), None)

    def _whole(self, http, url, body):
        answer = http.post(f"{url}/v1/complete", json=body, headers=self._headers)
        return self._told(answer.status_code, answer)

    def _streamed(self, http, url, body):
        answer = http.post(f"{url}/v1/stream", json=body, headers=self._headers)
        if answer.status_code != httpx.codes.OK:
            return self._told(answer.status_code, answer)
        _before, done, data = answer.text.partition("event: done\ndata: ")
        assert done, answer.text
        return self._of(httpx.Response(200, text=data.partition("\n")[0]).json())

    def _told(self, status, answer):
        if status == httpx.codes.OK:
            return self._of(answer.json())
        assert answer.json()["error"]["code"] == "store_unavailable", answer.text
        return None

    @staticmethod
    def _of(result):
        return Answered(result["id"], int(Decimal(result["cost"]["total_usd"]) * DOLLAR))


def eventually(is_so):
    """Wait until it is, and give what it said. The limit is for what never comes."""
    ends_s = time.monotonic() + patience(60)
    while not (found := is_so()):
        assert time.monotonic() < ends_s, "it does not come to that"
        time.sleep(0.01)
    return found


async def test_what_was_answered_is_in_the_books_once(backend, simulator, tmp_path):
    """To the nano-USD, with nothing doubled, and no hold of an answered request left."""
    store_folder, folder, config = tmp_path / "store", tmp_path / "backlog", tmp_path / "config.yaml"
    store_folder.mkdir()
    config.write_text(CONFIG)
    kept = KeptStore(store_folder)
    kept.start()
    environ = {
        **backend.with_config(config),
        "UPSTASH_REDIS_REST_URL": kept.url,
        "GATEWAY_BACKLOG": str(folder),
    }
    key, store = new_key("alpha"), UpstashStore(kept.url, TOKEN, connect_timeout_s=10, timeout_s=10)
    await store.put_key(KeyRecord(project_id="alpha", digest=digest_of(key)))
    simulator.fault("anthropic", "slow", delay_ms=30)
    try:
        with fleet(PROCESSES, environ, target=run_replaying) as started:
            answered = Traffic(started.members, key, kept, folder, backend.gate).play()
            eventually(lambda: not FileBacklog(folder).files())
        await judge(answered, store)
        assert not (folder / "refused").exists()
    finally:
        await store.close()
        kept.close()


async def judge(answered, store):
    """The books against what the callers were told."""
    assert len(answered) >= REQUESTS - THREADS  # the killed process had some of them
    now_ms = time.time_ns() // 1_000_000
    records = []
    for day in sorted({day_key(utc_date(at_ms)) for at_ms in (now_ms - 600_000, now_ms)}):  # midnight may have passed
        page = await store.usage_records("alpha", day=day, limit=10 * REQUESTS)
        records += page.records
    booked = Counter(record.request_id for record in records)
    assert set(booked.values()) == {1}
    cost = {record.request_id: record.cost_nano for record in records}
    assert {one.request_id: one.nano for one in answered}.items() <= cost.items()
    month = day_key(utc_date(now_ms))
    _, line = await store.budget_lines("alpha", day=month, scopes=["p"])
    assert line.spent_nano == sum(cost.values())
    held = {hold.request_id for hold in await store.open_holds("alpha", month=month[:6])}
    assert held & {one.request_id for one in answered} == set()
