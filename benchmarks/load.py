"""Load on a running gateway: throughput, percentiles and errors by code, of whole and streamed answers.

`.venv/bin/python -m benchmarks.load --key gk_... [--url http://127.0.0.1:8787] [--concurrency 16] [--seconds 10]
[--stream-share 0.5] [--group fast] [--words 20] [--most 100000]`; see README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

COMPLETE, STREAM = "/v1/complete", "/v1/stream"
MOST_S, MOST_CONCURRENCY = 3600.0, 2000
_NO_ANSWER = "no answer"
_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class Load:
    """What to send: so many at once, for so long, at most so many, of which a share is streamed."""

    url: str
    key: str
    concurrency: int
    seconds: float
    stream_share: float
    group: str
    words: int
    most: int

    def paths(self) -> Iterator[str]:
        """Which route each request takes, evenly mixed."""
        streamed = 0.0
        for _ in range(self.most):
            streamed += self.stream_share
            is_stream = streamed >= 1 - 1e-9
            streamed -= is_stream
            yield STREAM if is_stream else COMPLETE

    def body(self, number: int) -> dict[str, Any]:
        """A short question; a simulated provider answers it with so many words."""
        prompt = f"[[words={self.words}]] Request {number}: answer in about {self.words} words."
        # A token is a word or less: room for the answer, and a bound of what a real model may cost.
        return {
            "messages": [{"role": "user", "content": prompt}],
            "model_group": self.group,
            "max_tokens": max(16, 4 * self.words),
            "agent_id": "load",
        }


@dataclass(slots=True)
class Seen:
    """Seconds of good answers by route, seconds to the first chunk of streams, and errors by status and code."""

    whole_s: dict[str, list[float]] = field(default_factory=lambda: {COMPLETE: [], STREAM: []})
    first_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    took_s: float = 0.0

    @property
    def answers(self) -> int:
        """How many requests were answered well."""
        return sum(map(len, self.whole_s.values()))


async def run(load: Load) -> Seen:
    """Send until time or number is up; requests under way then are waited for and counted."""
    seen, began = Seen(), time.perf_counter()
    paths = zip(itertools.count(), load.paths())
    limits = httpx.Limits(max_connections=load.concurrency, max_keepalive_connections=load.concurrency)
    headers = {"authorization": f"Bearer {load.key}"}
    async with httpx.AsyncClient(base_url=load.url, headers=headers, timeout=_TIMEOUT_S, limits=limits) as http:

        async def caller() -> None:
            for number, path in paths:
                if time.perf_counter() - began >= load.seconds:
                    return
                await _ask(http, path, load.body(number), seen)

        await asyncio.gather(*(caller() for _ in range(load.concurrency)))
    seen.took_s = time.perf_counter() - began
    return seen


async def _ask(http: httpx.AsyncClient, path: str, body: dict[str, Any], seen: Seen) -> None:
    began = time.perf_counter()
    try:
        async with http.stream("POST", path, json=body) as answer:
            code = await (_heard(answer, seen, began) if path == STREAM else _read(answer))
    except httpx.HTTPError as error:
        code = f"{_NO_ANSWER} ({type(error).__name__})"
    if code:
        seen.errors[code] += 1
    else:
        seen.whole_s[path].append(time.perf_counter() - began)


async def _read(answer: httpx.Response) -> str:
    """The error's status and code, empty for a good answer."""
    content = await answer.aread()
    return "" if answer.status_code == httpx.codes.OK else _code(answer.status_code, content)


async def _heard(answer: httpx.Response, seen: Seen, began: float) -> str:
    """The same of a stream, which is good only if it says that it is done."""
    if answer.status_code != httpx.codes.OK:
        return _code(answer.status_code, await answer.aread())
    name, first = "", True
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        if name == "chunk" and first:
            seen.first_s.append(time.perf_counter() - began)
            first = False
        if name == "error" and line.startswith("data: "):
            return _code(answer.status_code, line.removeprefix("data: ").encode())
    return "" if name == "done" else f"{answer.status_code} cut off"


def _code(status: int, content: bytes) -> str:
    try:
        return f"{status} {json.loads(content)['error']['code']}"
    except (ValueError, KeyError, TypeError):
        return f"{status} not the gateway's"


def table(seen: Seen) -> str:
    """What is printed."""
    rate = seen.answers / seen.took_s if seen.took_s else 0.0
    lines = [f"{seen.answers} answers in {seen.took_s:.1f} s: {rate:.1f} per second, {seen.errors.total()} errors"]
    lines.append(f"{'milliseconds':20}{'answers':>9}{'p50':>9}{'p95':>9}{'p99':>9}{'most':>9}")
    rows = {COMPLETE: seen.whole_s[COMPLETE], f"{STREAM} first": seen.first_s, f"{STREAM} whole": seen.whole_s[STREAM]}
    lines += [_row(name, times) for name, times in rows.items() if times]
    lines += [f"{count:9} x {code}" for code, count in seen.errors.most_common()]
    return "\n".join(lines)


def _row(name: str, times: Sequence[float]) -> str:
    shares = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else [times[0]] * 99
    shown = (shares[49], shares[94], shares[98], max(times))
    return f"{name:20}{len(times):9}" + "".join(f"{1000 * seconds:9.1f}" for seconds in shown)


def options(arguments: Sequence[str] | None = None) -> Load:
    """The load that the command line asks for; ends the program with a usage message for a wrong one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8787", help="(default: %(default)s)")
    parser.add_argument("--key", default=os.environ.get("GATEWAY_KEY", ""), help="default: $GATEWAY_KEY")
    parser.add_argument("--concurrency", type=int, default=16, help="requests at once (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to send (default: %(default)s)")
    parser.add_argument("--stream-share", type=float, default=0.5, help="0 to 1 (default: %(default)s)")
    parser.add_argument("--group", default="fast", help="model group (default: %(default)s)")
    parser.add_argument("--words", type=int, default=20, help="length of an answer (default: %(default)s)")
    parser.add_argument("--most", type=int, default=100_000, help="requests in all, at most (default: %(default)s)")
    given = parser.parse_args(arguments)
    wrong = {
        "--key: name a virtual key, or set GATEWAY_KEY": not given.key,
        f"--concurrency: 1 to {MOST_CONCURRENCY}": not 1 <= given.concurrency <= MOST_CONCURRENCY,
        f"--seconds: above 0, at most {MOST_S:.0f}": not 0 < given.seconds <= MOST_S,
        "--stream-share: 0 to 1": not 0 <= given.stream_share <= 1,
        "--words and --most: at least 1": min(given.words, given.most) < 1,
    }
    for text, is_wrong in wrong.items():
        if is_wrong:
            parser.error(text)
    return Load(**vars(given))


def main() -> int:
    """Run the load and print the table; 1 if nothing was answered."""
    seen = asyncio.run(run(options()))
    print(table(seen))
    return 0 if seen.answers else 1


if __name__ == "__main__":
    sys.exit(main())
