"""What holds cost the store, and how long an operator takes to look through and to resolve very many of them.

`.venv/bin/python -m benchmarks.holds [--counts 1,1000,100000] [--release 2000]`. See README.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gateway_core.access.reconciling import Reconciling, Selection
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.upstash.layout import budget_key
from gateway_core.adapters.upstash.sdk import SdkKeyStore
from gateway_core.adapters.upstash.store import UpstashStore
from gateway_core.store.messages import Admitted, BreakerPolicy, Candidate, Settlement, Terms, Ticket
from gateway_core.store.records import UsageRecord
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from local.serving import serve
from local.upstash.app import create_app
from local.valkey import Valkey

PROJECT, TOKEN, DIGEST = "alpha", "benchmark", digest_of("gk_alpha_benchmark")
HOLD = Candidate("one", "m1", hold_nano=100_000, hold_tokens=4_000)
TERMS_WAIT_S = 60.0
WRITES, REQUESTS, DAY_MS = 1000, 200, 86_400_000
POLICY = BreakerPolicy(failures=1_000_000)


@dataclass(frozen=True, slots=True)
class Row:
    """Of so many unconfirmed holds; times of the server unless they say otherwise."""

    holds: int
    bytes_each: float
    request_us: float
    page_ms: float
    pages: int
    whole_ms: float
    list_s: float
    released: int
    release_ms: float


@dataclass(frozen=True, slots=True)
class Bench:
    """The gateway's and the operator's way to one store."""

    store: UpstashStore
    operator: SdkKeyStore
    ticket: Ticket

    async def run(self, *command: str | int) -> object:
        return await self.store._client.execute(*command)  # noqa: SLF001 - to look at the server itself

    async def request(self, request_id: str, *, unconfirmed: bool = False) -> None:
        """One request: admitted, and settled or left in doubt."""
        ticket = ticket_of(self.ticket, request_id)
        terms = Terms(ticket.admitted_ms, POLICY)
        admitted = await self.store.admit(ticket, [HOLD], terms)
        if not isinstance(admitted, Admitted):
            raise SystemExit(f"refused: {admitted}")
        ended = Settlement(
            1, HOLD.provider, HOLD.deployment_id, admitted.generation, admitted.probe, "skip",
            charge_nano=1000, charge_tokens=40, unconfirmed=unconfirmed,
        )  # fmt: skip
        await self.store.settle(ticket, ended, record_of(ticket), terms)

    async def fill(self, count: int) -> None:
        """So many unconfirmed holds, as one was left by a request, with the account that they make."""
        await self.request("left", unconfirmed=True)
        key = budget_key(PROJECT, self.ticket.month)
        text = str(await self.run("HGET", key, "x|left.1"))
        names = [f"x|req_{number:032x}.1" for number in range(count - 1)]
        for first in range(0, len(names), WRITES):
            pairs = [part for name in names[first : first + WRITES] for part in (name, text)]
            await self.run("HSET", key, *pairs)
        held = f"{1000 * count};{99_000 * count};{40 * count};{3_960 * count}"
        scopes = ("p", f"k:{self.ticket.key_id}")
        fields = [f"{scope}|{period}" for scope in scopes for period in ("M", f"D{self.ticket.day[6:]}")]
        await self.run("HSET", key, *(part for field in fields for part in (field, held)))

    async def spent_us(self, command: str) -> tuple[float, int]:
        """Microseconds that the server has spent on a command, and how often it ran."""
        found = re.search(rf"cmdstat_{command}:calls=(\d+),usec=(\d+)", str(await self.run("INFO", "commandstats")))
        return (float(found[2]), int(found[1])) if found else (0.0, 0)


def ticket_of(ticket: Ticket, request_id: str) -> Ticket:
    return Ticket(request_id, ticket.project_id, ticket.key_id, ticket.digest, ticket.rights_tag, ticket.admitted_ms)


def record_of(ticket: Ticket) -> UsageRecord:
    """A typical one."""
    return UsageRecord(
        ticket.request_id, ticket.admitted_ms, PROJECT, ticket.key_id, "agent", "", "chat", "gpt-5.1", "one", "group",
        "", 1, 30, 10, 0, 0, 0, 600, 400, 900, cache_hit=False, price_source="list", input_includes_cached=True,
    )  # fmt: skip


@contextmanager
def bench() -> Iterator[tuple[str, int]]:
    with Valkey() as valkey, serve(create_app(redis_port=valkey.port, token=TOKEN)) as url:
        yield url, valkey.port


async def measure(url: str, count: int, release: int) -> Row:
    """All of it for so many holds, in an empty store."""
    store = UpstashStore(url, TOKEN, connect_timeout_s=TERMS_WAIT_S, timeout_s=TERMS_WAIT_S)
    operator = SdkKeyStore(url, TOKEN, timeout_s=TERMS_WAIT_S)
    try:
        await store._client.execute("FLUSHALL")  # noqa: SLF001 - as above
        await store.put_key(KeyRecord(PROJECT, DIGEST))
        key = await store.find_key(PROJECT, DIGEST)
        if key is None:
            raise SystemExit("the key is gone")
        now_ms = SystemClock().now_ms()
        made = Ticket("", PROJECT, key.id, DIGEST, key.rights_tag, now_ms)
        return await _measured(Bench(store, operator, made), count, release)
    finally:
        await store.close()
        await operator.close()


async def _measured(desk: Bench, count: int, release: int) -> Row:
    key = budget_key(PROJECT, desk.ticket.month)
    await desk.request("warm-up")
    before = int(str(await desk.run("MEMORY", "USAGE", key, "SAMPLES", 0)))
    await desk.fill(count)
    after = int(str(await desk.run("MEMORY", "USAGE", key, "SAMPLES", 0)))
    used, _ = await desk.spent_us("evalsha")
    for number in range(REQUESTS):
        await desk.request(f"r{number}")
    request_us = ((await desk.spent_us("evalsha"))[0] - used) / REQUESTS
    await desk.run("HGETALL", key)
    whole_us, _ = await desk.spent_us("hgetall")
    reconciling = Reconciling(desk.operator, SystemClock())
    scanned, pages = await desk.spent_us("hscan")
    started = time.perf_counter()
    found = (await reconciling.select(Selection(PROJECT, desk.ticket.month))).holds
    list_s = time.perf_counter() - started
    scanned_after, pages_after = await desk.spent_us("hscan")
    some = found[:release]
    started = time.perf_counter()
    lines = await reconciling.release_all(some, "bound", dry_run=False)
    release_ms = (time.perf_counter() - started) * 1000 / max(1, len(lines))
    number = pages_after - pages
    page_ms = (scanned_after - scanned) / number / 1000
    return Row(
        len(found),
        (after - before) / count,
        request_us,
        page_ms,
        number,
        whole_us / 1000,
        list_s,
        len(lines),
        release_ms,
    )


def table(rows: Sequence[Row]) -> str:
    head = (
        "| holds | bytes each | admit + settle | a page | pages | HGETALL | list | released | each |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(
        f"| {row.holds:,} | {row.bytes_each:.0f} | {row.request_us:.0f} µs | {row.page_ms:.2f} ms | {row.pages} | "
        f"{row.whole_ms:.1f} ms | {row.list_s:.2f} s | {row.released:,} | {row.release_ms:.2f} ms |"
        for row in rows
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", default="1,1000,100000")
    parser.add_argument("--release", type=int, default=2000, help="how many of them are resolved")
    options = parser.parse_args()
    with bench() as (url, _port):
        rows = [asyncio.run(measure(url, int(count), options.release)) for count in options.counts.split(",")]
    print(table(rows))


if __name__ == "__main__":
    main()
