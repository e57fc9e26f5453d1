"""The books: what a report takes, what a request costs the store in commands, time and memory.

`.venv/bin/python -m benchmarks.books [--requests 400] [--year 366]` prints four tables; see README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from gateway_core.adapters.upstash import UpstashStore, layout
from gateway_core.api.usage_reports import report_of
from gateway_core.store.counters import MONTH, MOST_NAMES, all_field, index_field, named_field, pair
from gateway_core.store.messages import Candidate
from gateway_core.store.report_query import GroupBy, ReportQuery
from local.serving import serve
from local.upstash.app import create_app
from local.valkey import Valkey
from tests.contract.desk import DAY, Desk, candidate, settled
from tests.contract.desk import MONTH as THIS_MONTH
from tests.contract.wire import Wire, at_once, wired_store

TODAY = date(2026, 11, 20)
LAMBDA_SHARE = 256 / 1769
"""Of a processor, that a function of 256 MB has."""
_VECTOR = "812,9,31,4210345,1833021,91873450000,1204331,1203000,0,12,190,301,160,98,31,8,2,1"
_EARLIER_VECTOR = "812,9,31,4210345,1833021,91873450000,1204331"
_TOKEN = "benchmark"  # noqa: S105 - of a store that is gone with this process
_HOLD = "120000000;9000;0;20261120;1795176000000;key_alpha_0;;0;0;0;0;0;|+0,1,0,0,0,1"
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class ReportTime:
    """Of one report: seconds on the clock and of its longest trip, of this client's processor, and the most MB."""

    name: str
    days: int
    wall_s: float
    trip_s: float
    cpu_s: float
    peak_mb: float


def names_of(day: date) -> list[str]:
    """500 of 2,000 names, other ones each day: as many as are told apart, in a day and in a month."""
    first = day.toordinal() * 125
    return [f"someone-{(first + number) % (4 * MOST_NAMES):04}@example.com" for number in range(MOST_NAMES)]


def days_back(count: int) -> list[date]:
    return [TODAY - timedelta(days=number) for number in range(count)]


def counters_of(days: Sequence[date]) -> Iterator[tuple[str, str, str]]:
    """Key, field and value of what those days counted: 2,000 fields a day, and the months'."""
    months: dict[str, set[str]] = {}
    for day in days:
        key, number, names = layout.budget_key("new", f"{day:%Y%m}"), f"{day:%d}", names_of(day)
        months.setdefault(f"{day:%Y%m}", set()).update(names)
        yield key, all_field(number), _VECTOR
        yield from _named(key, number, names)
    for month, found in months.items():
        yield from _named(layout.budget_key("new", month), MONTH, sorted(found))


def _named(key: str, period: str, names: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    for kind in ("a", "u", "am", "um"):
        listed = [pair(name, "gpt-5.1") if len(kind) > 1 else name for name in names]
        yield key, index_field(kind, period), ",".join(listed)  # type: ignore[arg-type]
        yield from ((key, named_field(kind, period, name), _VECTOR) for name in listed)


def earlier_of(days: Sequence[date]) -> Iterator[tuple[str, str, str]]:
    """The same as an earlier release would have counted it."""
    for day in days:
        key = layout.counters_key("old", f"{day:%Y%m%d}")
        yield key, "t", _EARLIER_VECTOR
        for name in names_of(day):
            fields = (f"a|{name}", f"am|{name}|gpt-5.1", f"u|{name}", f"um|{name}|gpt-5.1")
            yield from ((key, field, _EARLIER_VECTOR) for field in fields)


def fill(wire: Wire, fields: Iterator[tuple[str, str, str]]) -> None:
    """Write fields, some thousand with a command."""
    waiting: dict[str, list[str]] = {}
    for key, field, value in fields:
        some = waiting.setdefault(key, [])
        some += (field, value)
        if len(some) >= 2 * _CHUNK:
            at_once(wire.execute("HSET", key, *waiting.pop(key)))
    for key, some in waiting.items():
        at_once(wire.execute("HSET", key, *some))


async def time_reports(url: str, year: int) -> list[ReportTime]:
    store = UpstashStore(url, _TOKEN, timeout_s=30)
    groups: tuple[GroupBy, ...] = ("day", "agent")
    asked = [(project, days, group) for project in ("new", "old") for days in (30, year) for group in groups]
    found = [await _time(store, *one) for one in asked]
    await store.close()
    return found


async def _time(store: UpstashStore, project: str, days: int, group_by: GroupBy) -> ReportTime:
    query = ReportQuery(TODAY - timedelta(days=days - 1), TODAY, group_by)
    trips = _Trips(store)
    began, began_cpu = time.perf_counter(), time.thread_time()
    report = await report_of(store, query, project)
    wall_s, cpu_s = time.perf_counter() - began, time.thread_time() - began_cpu
    if report.totals.requests == 0:
        raise RuntimeError("the report is empty")
    longest_s = trips.longest_s()
    tracemalloc.start()
    await report_of(store, query, project)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return ReportTime(f"{project}, by {group_by}", days, wall_s, longest_s, cpu_s, peak)


class _Trips:
    """How long each trip of a store took, until the next one is made."""

    def __init__(self, store: UpstashStore) -> None:
        self._client: Any = store._client  # noqa: SLF001 - only there a trip has an end
        self._pipeline = type(self._client).pipeline
        self._took_s: list[float] = []
        self._client.pipeline = self._timed

    def longest_s(self) -> float:
        return max(self._took_s)

    async def _timed(self, commands: Sequence[Sequence[str | int]]) -> Any:
        began = time.perf_counter()
        replies = await self._pipeline(self._client, commands)
        self._took_s.append(time.perf_counter() - began)
        return replies


class Meter:
    """What the server did for some requests of one key: commands, and time of its scripts."""

    def __init__(self, port: int) -> None:
        self.wire = Wire(port)
        self.store = wired_store(port)

    def clear(self) -> None:
        at_once(self.wire.execute("FLUSHALL"))

    def measure(self, requests: int, offered: Sequence[Candidate], user: str = "") -> tuple[float, float]:
        """Commands, and microseconds of scripts, of one request."""
        desk = at_once(Desk(self.store, user=user, agent="bot").open())
        for number in range(4):
            self._request(desk, f"warm-{number}", offered)
        before = self._stats()
        for number in range(requests):
            self._request(desk, f"r-{number}", offered)
        after = self._stats()
        calls = sum(after[name][0] - before.get(name, (0, 0))[0] for name in after if name not in {"info", "evalsha"})
        scripts = (after["evalsha"][0] - before["evalsha"][0], after["evalsha"][1] - before["evalsha"][1])
        return (calls + scripts[0]) / requests, scripts[1] / requests

    def memory(self, key: str) -> int:
        return int(str(at_once(self.wire.execute("MEMORY", "USAGE", key, "SAMPLES", 0))))

    def _request(self, desk: Desk, request_id: str, offered: Sequence[Candidate]) -> None:
        answer = at_once(desk.admitted(request_id, *offered))
        latency_ms = 300 + sum(map(ord, request_id)) % 700
        ended = settled(answer, offered[answer.index], charge_nano=70, charge_tokens=7, latency_ms=latency_ms)
        ended = replace(ended, rpm=offered[0].rpm)
        at_once(desk.settle(request_id, ended))

    def _stats(self) -> dict[str, tuple[int, int]]:
        told = str(at_once(self.wire.execute("INFO", "commandstats")))
        return {
            name: (int(calls), int(usec))
            for name, calls, usec in re.findall(r"cmdstat_(\S+?):calls=(\d+),usec=(\d+)", told)
        }


def three() -> list[Candidate]:
    return [candidate(f"m{number}", f"provider-{number}", rpm=600_000, tpm=10**9) for number in range(3)]


def measure_commands(meter: Meter, requests: int) -> Iterator[tuple[str, float, float]]:
    one, limited = [candidate()], [candidate(rpm=600_000, tpm=10**9)]
    for name, offered, user in (
        ("one candidate", one, ""),
        ("one candidate, provider limited", limited, ""),
        ("three candidates with a user", three(), "bob"),
    ):
        meter.clear()
        yield (name, *meter.measure(requests, offered, user))


def measure_crowds(meter: Meter, requests: int) -> Iterator[tuple[str, float, float]]:
    key = layout.budget_key("alpha", THIS_MONTH)
    for holds in (1, 1000, 100_000):
        meter.clear()
        fill(meter.wire, ((key, f"h|req_{number:032}.1", _HOLD) for number in range(holds)))
        yield (f"{holds:,} open holds", *meter.measure(requests, [candidate()]))
    meter.clear()
    accounts = (f"k:key_alpha_{number:016}|{period}" for number in range(1000) for period in ("M", f"D{DAY[6:]}"))
    fill(meter.wire, ((key, field, "9100000;0;7100;0") for field in accounts))
    yield ("1,000 keys", *meter.measure(requests, [candidate()]))


def measure_memory(meter: Meter, requests: int) -> tuple[int, int]:
    """Bytes of a record in its stream, and of a month with the counters of one day of 500 agents, for each of them."""
    meter.clear()
    meter.measure(requests, [candidate()])
    record = meter.memory(layout.records_key("alpha", DAY, "12")) // requests
    meter.clear()
    key = layout.budget_key("new", THIS_MONTH)
    fill(meter.wire, ((key, named_field("a", "20", name), _VECTOR) for name in names_of(TODAY)))
    return record, meter.memory(key) // MOST_NAMES


def show_reports(times: Sequence[ReportTime]) -> None:
    print(
        "| report | days | s | longest trip, s | s of processor | s of a 256 MB function's | MB |"
        "\n|---|---|---|---|---|---|---|"
    )
    for one in times:
        there = one.cpu_s / LAMBDA_SHARE
        times_s = f"{one.wall_s:.2f} | {one.trip_s:.2f} | {one.cpu_s:.2f} | {there:.1f}"
        print(f"| {one.name} | {one.days} | {times_s} | {one.peak_mb:.1f} |")


def show_costs(rows: Iterator[tuple[str, float, float]]) -> None:
    print("\n| a request | commands | µs of scripts |\n|---|---|---|")
    for name, commands, usec in rows:
        print(f"| {name} | {commands:.2f} | {usec:.0f} |")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--year", type=int, default=366)
    asked: Any = parser.parse_args(words)
    with Valkey() as valkey, serve(create_app(redis_port=valkey.port, token=_TOKEN)) as url:
        meter = Meter(valkey.port)
        fill(meter.wire, counters_of(days_back(asked.year)))
        fill(meter.wire, earlier_of(days_back(asked.year)))
        show_reports(asyncio.run(time_reports(url, asked.year)))
        show_costs(measure_commands(meter, asked.requests))
        show_costs(measure_crowds(meter, asked.requests))
        record, name = measure_memory(meter, asked.requests)
        print(f"\na record: {record} B; a name's counters of a day: {name} B")


if __name__ == "__main__":
    main()
