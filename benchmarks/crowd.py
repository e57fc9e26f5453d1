"""A crowd at one process of the gateway: how much it serves, whom it refuses and how, and whether its books are right.

`.venv/bin/python -m benchmarks.crowd [--callers 8,64,200,256,1000] [--seconds 10] [--model gpt-5.1] [--obey]
[--trouble] [--config FILE]`; see README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from benchmarks.callers import NO_ANSWER, Seen, Target, crowd
from benchmarks.crowd_stack import Books, Stack

LEAST_SHARE = 0.7
"""Of what a few callers are served, a crowd is to be served at least so much."""
WARM_UP = (4, 3.0)
_POLITE = {"429 rate_limited", "503 overloaded", "503 no_deployment_available"}
_FAULT_SHARE = 10
_WATCH_S = 0.1
_IN_A_ROW = 2
"""So many faults follow each other: no breaker opens, which would end the measurement."""


@dataclass(frozen=True, slots=True)
class Row:
    """One number of callers: what they saw, what it cost in CPU, and what the books say."""

    callers: int
    seen: Seen
    cpu_s: float
    books: Books

    @property
    def cpu_ms(self) -> float:
        """Of the gateway's process, by good answer."""
        return 1000 * max(0.0, self.cpu_s) / max(1, len(self.seen.good_s))

    def share_of(self, first: Row) -> float:
        """Good answers a second, beside the first row's."""
        return self.seen.rate / first.seen.rate if first.seen.rate else 0.0

    def cheapness_beside(self, first: Row) -> float:
        """The same for good answers by CPU second: what is left of it where others take the processor away."""
        return first.cpu_ms / self.cpu_ms if self.cpu_ms else 0.0

    def wrong(self, first: Row, *, troubled: bool) -> list[str]:
        """What is not as it has to be. In trouble, who was not answered may be in the books."""
        found = [f"{count} x {code}" for code, count in self.seen.others.items() if not _is_polite(code, troubled)]
        if self.seen.rude:
            found.append(f"{self.seen.rude} refusals without Retry-After")
        if not troubled and max(self.share_of(first), self.cheapness_beside(first)) < LEAST_SHARE:
            found.append(f"less than {LEAST_SHARE:.0%} of what {first.callers} callers are served")
        missing = len(self.seen.good_s) - self.books.good
        if missing > 0 or (missing and not troubled):
            found.append(f"{missing} answers without a record")
        if not troubled and self.books.spent_usd != self.seen.cost_usd:
            found.append(f"charged {self.seen.cost_usd}, booked {self.books.spent_usd}")
        if not troubled and self.books.held_usd:
            found.append(f"{self.books.held_usd} USD still held")
        return found


def _is_polite(code: str, troubled: bool) -> bool:
    store = {"503 store_unavailable", "502 provider_error"} if troubled else set[str]()
    return code in _POLITE | store or (troubled and code.startswith(NO_ANSWER))


async def measure(stack: Stack, callers: int, seconds: float, options: argparse.Namespace) -> Row:
    """One row, in a project of its own."""
    key = await asyncio.to_thread(stack.new_key, f"crowd-{callers}")
    url = urlsplit(stack.url)
    target = Target(url.hostname or "", url.port or 80, key, options.model, options.obey)
    began_s = stack.gateway.cpu_s()
    trouble = asyncio.create_task(_trouble(stack, seconds)) if options.trouble else None
    seen = await crowd(target, callers, seconds)
    cpu_s = stack.gateway.cpu_s() - began_s
    if trouble:
        await trouble
    return Row(callers, seen, cpu_s, await asyncio.to_thread(stack.books, key))


async def _trouble(stack: Stack, seconds: float) -> None:
    """A tenth of the calls fail at the provider all the time; the store, then the gateway, dies on the way."""
    faults = asyncio.create_task(_faults(stack))
    try:
        await asyncio.sleep(seconds / 3)
        await asyncio.to_thread(stack.store.stop, signal.SIGKILL)
        await asyncio.to_thread(stack.store.start)
        await asyncio.sleep(seconds / 3)
        faults.cancel()
        await asyncio.to_thread(stack.gateway.stop, signal.SIGKILL)
        await asyncio.to_thread(stack.gateway.start)
    finally:
        faults.cancel()


async def _faults(stack: Stack) -> None:
    async with httpx.AsyncClient(base_url=stack.simulator_url, timeout=60.0) as http:
        asked = await _made(http)
        while True:
            await asyncio.sleep(_WATCH_S)
            made = await _made(http)
            if due := min((made - asked) // _FAULT_SHARE, _IN_A_ROW):
                await http.post("/__faults", json={"provider": "openai", "kind": "server_error", "times": due})
            asked = made


async def _made(http: httpx.AsyncClient) -> int:
    return sum((await http.get("/__calls")).json()["totals"].values())


def line(row: Row, first: Row) -> str:
    """As it is printed."""
    seen, books = row.seen, row.books
    others = ", ".join(f"{count} x {code}" for code, count in seen.others.most_common()) or "none"
    p50, p99 = seen.percentile_ms(50), seen.percentile_ms(99)
    return (
        f"| {row.callers} | {len(seen.good_s)} | {seen.rate:.1f} | {row.share_of(first):.2f}x | {p50:.0f} | {p99:.0f} |"
        f" {row.cpu_ms:.1f} | {row.cheapness_beside(first):.2f}x | {others} | {books.good} |"
        f" {books.spent_usd - seen.cost_usd} |"
        f" {books.held_usd} |"
    )


HEAD = (
    "| callers | answers | a second | of the first | p50 ms | p99 ms | CPU ms | of the first | others | records |"
    " booked less charged | held |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.crowd", description=__doc__)
    parser.add_argument("--callers", default="8,64,200,256,1000", help="(default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each row (default: %(default)s)")
    parser.add_argument("--model", default="gpt-5.1", help="(default: %(default)s)")
    parser.add_argument("--obey", action="store_true", help="callers wait as long as Retry-After says")
    parser.add_argument("--trouble", action="store_true", help="kill the store and the gateway, 10 %% provider faults")
    parser.add_argument("--config", default="", help="a document for GATEWAY_CONFIG")
    given = parser.parse_args(arguments)
    try:
        given.callers = [int(number) for number in given.callers.split(",")]
    except ValueError:
        given.callers = []
    if not given.callers or min(given.callers) < 1 or given.seconds <= 0:
        parser.error("--callers: numbers with commas between them; --seconds: more than 0")
    return given


async def run(given: argparse.Namespace) -> list[str]:
    """Print the table; what was wrong, in words."""
    wrong: list[str] = []
    settings = {"GATEWAY_CONFIG": given.config} if given.config else {}
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(folder, settings)
        await asyncio.to_thread(stack.start)
        try:
            url = urlsplit(stack.url)
            await crowd(Target(url.hostname or "", url.port or 80, stack.key, given.model), *WARM_UP)
            print(HEAD)
            first: Row | None = None
            for callers in given.callers:
                row = await measure(stack, callers, given.seconds, given)
                first = first or row
                print(line(row, first), flush=True)
                wrong += [f"{callers} callers: {text}" for text in row.wrong(first, troubled=given.trouble)]
        finally:
            await asyncio.to_thread(stack.stop)
    return wrong


def main() -> int:
    """Print the table, and below it what is not as it has to be; 1 if anything is."""
    wrong = asyncio.run(run(options()))
    for text in wrong:
        print(text)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
