"""Thousands of requests over eight processes, a tenth with a fault: the books are right to the nano-USD.

Every other process serves by wires of our own what the rest serves by LiteLLM, which the fork server has loaded before
they are forked. `make test-fleet` runs this.
"""

import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Lock

import httpx
import pytest

from gateway_core.domain.caller import Limits
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from tests.fleet.fleet import fleet
from tests.fleet.mixture import CONFIGS, USERS, Counted, Heard, Tally, jobs
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("fleet"), pytest.mark.timeout(600)]

PROCESSES = 8
THREADS = 24
REQUESTS = 2000
KEPT = httpx.Limits(
    max_connections=PROCESSES * THREADS, max_keepalive_connections=PROCESSES * THREADS, keepalive_expiry=None
)
"""No connection is closed to make room for another, or with age: httpcore may close one that a thread was given and has
not used yet."""
FAULT_SHARE = 0.1
DOLLAR = 10**9
FREE, CAPPED = ("alpha", "beta"), "capped"
"""Projects without a budget that binds, and one that runs out of money."""
CAP = DOLLAR // 25
PROJECTS = (*FREE, CAPPED)
KILLED_AT = 200
"""The job before which a process is killed in the middle of what it does."""
CHATTING = ("anthropic", "openai", "gemini", "deepseek")
BUDGETED = USERS[1:]
"""Who has a budget, and so an account."""
COLUMNS = {"agent": "agent_id", "user": "user_id", "model": "model"}


@pytest.fixture
async def keys(store):
    """A key for each project, budgets for projects and users, and an administrator's."""
    made = {project: new_key(project) for project in PROJECTS}
    for project, key in made.items():
        await store.put_key(KeyRecord(project_id=project, digest=digest_of(key)))
        await store.set_budget(project, "", Limits(day_nano=CAP if project == CAPPED else 1000 * DOLLAR))
        for user in BUDGETED:
            await store.set_budget(project, user, Limits(month_nano=1000 * DOLLAR, day_tokens=10**9))
    admin = new_key("admin")
    await store.put_key(KeyRecord(project_id="admin", digest=digest_of(admin), admin=True))
    return {**made, "admin": admin}


@pytest.fixture
def configs(backend, tmp_path):
    """The environments of the processes."""
    paths = [tmp_path / f"config-{number}.yaml" for number in range(len(CONFIGS))]
    for path, text in zip(paths, CONFIGS, strict=True):
        path.write_text(text)
    return [backend.with_config(path) for path in paths]


class Books:
    """What the reports say, asked of one process that lives."""

    def __init__(self, url, keys, month):
        self._http = httpx.Client(base_url=url, timeout=patience(60), trust_env=False)
        self._keys = keys
        self.month = month

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self._http.close()

    def get(self, project, path, **query):
        answer = self._http.get(path, params=query, headers={"authorization": f"Bearer {self._keys[project]}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def records(self, project):
        """All of them."""
        found, cursor = [], ""
        while cursor is not None:
            page = self.get(project, "/v1/usage/records", limit=1000, **({"cursor": cursor} if cursor else {}))
            found, cursor = found + page["records"], page["next_cursor"]
        return found

    def spent_and_held(self, project, user=None):
        """Nano-USD of this month: by scope."""
        lines = self.get(project, "/v1/budgets", **({"user_id": user} if user else {}))["budgets"]
        return {
            line["scope"]: (nano(line["spent_usd"]), nano(line["held_usd"]))
            for line in lines
            if line["period"] == self.month
        }


def nano(usd):
    return int(Decimal(usd) * DOLLAR)


class Driver:
    """Plays jobs over a fleet with many threads, each at the next process that lives."""

    def __init__(self, running, keys, simulator, *, hook=lambda _driver, _job: None):
        self.living = list(running.members)
        self.under_way = Counter()
        self._lock = Lock()
        self._keys = keys
        self._simulator = simulator
        self._hook = hook

    def play(self, todo):
        """All of them; what was heard, in order."""
        http = httpx.Client(timeout=patience(120), limits=KEPT, trust_env=False)
        with http, ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(lambda job: self._play(http, job), todo))

    def _play(self, http, job):
        self._hook(self, job)
        if job.fault:
            params = {name: value for name, value in job.fault.items() if name not in ("provider", "kind")}
            self._simulator.fault(job.fault["provider"], job.fault["kind"], **params)
        url = self.living[job.number % len(self.living)].url
        with self._lock:
            self.under_way[url] += 1
        heard = Heard.of(http, url, self._keys[job.project], job)
        with self._lock:
            self.under_way[url] -= 1
        return heard


def wanted(heard, counted):
    """What the books must say of each request that was admitted, by job number."""
    return {
        one.job.number: Tally(1, int(not one.is_whole)) + counted.tallies.get(one.job.number, Tally())
        for one in heard
        if one.attempts
    }


def told(row):
    """A row of a report as a tally."""
    fields = ("requests", "errors", "input_tokens", "output_tokens")
    return Tally(*(row[name] for name in fields), nano(row["cost_usd"]))


def summed(heard, tallies, name_of):
    """The tallies by whatever `name_of` gives for a request."""
    sums = defaultdict(Tally)
    for one in heard:
        if one.job.number in tallies:
            sums[name_of(one)] += tallies[one.job.number]
    return dict(sums)


def reports_right(books, heard, tallies):
    """Every grouping of `/v1/usage` adds up to the providers' own count."""
    names = {"agent": lambda one: one.job.agent, "user": lambda one: one.job.user, "model": lambda one: one.model}
    by_project = summed(heard, tallies, lambda one: one.job.project)
    for project in PROJECTS:
        mine = [one for one in heard if one.job.project == project]
        for group, name_of in names.items():
            report = books.get(project, "/v1/usage", group_by=group)
            rows = {row[COLUMNS[group]]: told(row) for row in report["rows"]}
            assert rows == summed(mine, tallies, name_of), (project, group)
            assert told(report["totals"]) == by_project[project]
        for group in ("day", "hour"):
            report = books.get(project, "/v1/usage", group_by=group)
            assert sum((told(row) for row in report["rows"]), Tally()) == by_project[project]
    everything = books.get("admin", "/v1/usage", group_by="project")
    assert {row["project_id"]: told(row) for row in everything["rows"]} == by_project


def records_right(books, heard, tallies):
    """One record for each request that was admitted, none twice, none of anything else."""
    for project in PROJECTS:
        found = books.records(project)
        records = {record["request_id"]: record for record in found}
        mine = {one.request_id: one for one in heard if one.job.project == project and one.attempts}
        assert len(found) == len(records)
        assert records.keys() == mine.keys()
        for request_id, record in records.items():
            one = mine[request_id]
            assert (record["attempts"], record["error_code"], record["model"]) == (one.attempts, one.code, one.model)
            assert nano(record["cost_usd"]) == tallies[one.job.number].nano
            assert (record["agent_id"], record["user_id"]) == (one.job.agent, one.job.user)


async def budgets_right(books, store, heard, counted, tallies):
    """Spent is the price of what was counted; held is what an accident left, or a process that died."""
    for project in PROJECTS:
        mine = [one for one in heard if one.job.project == project]
        holds = await store.open_holds(project, month=books.month)
        unknown = {one.request_id: counted.unknown[one.job.number] for one in mine if one.job.number in counted.unknown}
        assert Counter(hold.request_id for hold in holds if hold.unconfirmed) == unknown
        died = Counter(one.job.user for one in mine if one.broke)
        assert Counter(hold.user_id for hold in holds if not hold.unconfirmed) == died
        spent = sum(tallies[one.job.number].nano for one in mine if one.job.number in tallies)
        held = sum(hold.hold_nano for hold in holds)
        scopes = books.spent_and_held(project)
        assert set(scopes.values()) == {(spent, held)}, "the project and its only key"
        for user, tally in summed(mine, tallies, lambda one: one.job.user).items():
            theirs = sum(hold.hold_nano for hold in holds if hold.user_id == user)
            expected = (tally.nano, theirs) if user in BUDGETED else (0, 0)
            assert books.spent_and_held(project, user)[f"u:{user}"] == expected


async def books_right(running, keys, store, heard, counted):
    """All of it, asked of the first process."""
    tallies = wanted(heard, counted)
    with Books(running.members[0].url, keys, time.strftime("%Y%m", time.gmtime())) as books:
        records_right(books, heard, tallies)
        reports_right(books, heard, tallies)
        await budgets_right(books, store, heard, counted, tallies)
        assert sum(books.spent_and_held(CAPPED)["p"]) <= CAP


@pytest.mark.long
async def test_two_thousand_requests_are_in_the_books_once(backend, configs, keys, simulator, store):
    """No record lost or doubled; reports and budgets are the providers' own count, to the token and the nano-USD."""
    with fleet(PROCESSES, *configs) as running:
        heard = Driver(running, keys, simulator).play(jobs(REQUESTS, PROJECTS, FAULT_SHARE))
        calls = simulator.calls()["requests"]
        counted = Counted.of(calls)
        assert [one.broke for one in heard if one.broke] == []
        assert counted.calls == {one.job.number: one.attempts for one in heard if one.attempts}
        await books_right(running, keys, store, heard, counted)
    engines = Counter((call["provider"], call["headers"]["user-agent"] == "llm-gateway") for call in calls)
    assert min(engines[provider, is_ours] for provider in CHATTING for is_ours in (True, False)) > 20, engines
    codes = Counter(one.code for one in heard)
    assert codes[""] > REQUESTS * 0.8, codes
    assert codes["budget_exceeded"] > 0
    assert counted.faults > REQUESTS * FAULT_SHARE / 2
    assert len(counted.unknown) > 10


async def test_a_process_that_dies_loses_only_what_it_had_under_way(backend, configs, keys, simulator, store):
    """Killed in the middle: what it had under way is held and in no report; all else is in the books once."""
    lost = []

    def kill_one(driver, job):
        if job.number != KILLED_AT:
            return
        backend.gate.shut()
        try:
            for _ in range(THREADS - 1):  # until all others wait for Claude, each with a call that is under way
                assert backend.gate.arrived.acquire(timeout=patience(60))
            victim = max(driver.living[1:], key=lambda member: driver.under_way[member.url])
            lost.append(driver.under_way[victim.url])
            driver.living.remove(victim)
            victim.kill()
        finally:
            backend.gate.open()

    with fleet(PROCESSES, *configs) as running:
        todo = [spared(job) for job in jobs(REQUESTS // 4, PROJECTS, FAULT_SHARE)]
        heard = Driver(running, keys, simulator, hook=kill_one).play(todo)
        counted = Counted.of(simulator.calls()["requests"])
        await books_right(running, keys, store, heard, counted)
    assert [sum(bool(one.broke) for one in heard)] == lost
    assert lost[0] > 0


def spared(job):
    """The job without a fault of Claude's, whose breaker is to stay closed."""
    return replace(job, fault=None) if job.fault and job.fault["provider"] == "anthropic" else job
