"""What the gateway adds to a stream: time to the first chunk, chunks per second, and memory over 20,000 chunks.

`.venv/bin/python -m benchmarks.streaming [--rounds 15] [--chunks 1000] [--long 20000]`; see README.md beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.wires import WIRES, Wire, gateway_body
from tests.e2e.conftest import KEY, PROVIDER_KEYS, start, stop
from tests.lambda_runtime.deployment import function, running_backend
from tests.lambda_runtime.emulator.environment import Environment, Function, deployed
from tests.lambda_runtime.emulator.events import rest_event
from tests.lambda_runtime.emulator.runtime_api import Chunk, End

FIRST_WORD = b"alpha"
"""What every answer begins with."""
_SETTLED = 1000
"""Chunks after which buffers have their size: memory is compared from there on."""
_KIB = 1024


@dataclass(frozen=True)
class Timed:
    """One stream: seconds to its first word, and words per second from there to the end."""

    first_s: float
    rate: float


@dataclass
class Column:
    """All rounds of one way to ask."""

    firsts: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    @property
    def first_ms(self) -> float:
        return statistics.median(self.firsts) * 1000

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)


type Ask = Callable[[int], Timed]


def timed(http: httpx.Client, url: str, headers: Mapping[str, str], body: Mapping[str, Any], words: int) -> Timed:
    """Play one stream of so many words. The client only looks for bytes, so that it is not what is measured."""
    began = time.perf_counter()
    first = 0.0
    with http.stream("POST", url, headers=dict(headers), json=dict(body)) as answer:
        answer.raise_for_status()
        for piece in answer.iter_raw():
            if not first and FIRST_WORD in piece:
                first = time.perf_counter()
    if not first:
        raise RuntimeError("the stream had no content")
    return Timed(first - began, words / (time.perf_counter() - first))


@contextlib.contextmanager
def simulator() -> Iterator[dict[str, str]]:
    """The provider simulator in a process of its own; the base URLs that point at it."""
    command = [sys.executable, "-m", "local.providers", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            lines = [process.stdout.readline() for _ in range(4)] if process.stdout else []
            yield dict(line.strip().removeprefix("export ").split("=", 1) for line in lines)
        finally:
            process.terminate()


@contextlib.contextmanager
def gateway(bases: Mapping[str, str]) -> Iterator[str]:
    """The local stack as `make run` starts it, with the simulator for its providers."""
    running = start(**PROVIDER_KEYS, **bases, GATEWAY_DEV_KEY=KEY)
    try:
        yield running.urls["Gateway"]
    finally:
        stop(running)


def compare(http: httpx.Client, wire: Wire, bases: Mapping[str, str], url: str, rounds: int, chunks: int) -> str:
    """One row of the table: both ways in turn, so that what else the machine does falls on both."""

    def direct(words: int) -> Timed:
        return timed(
            http, bases[wire.base] + wire.path, wire.headers, wire.body(f"[[reasoning=0]] [[words={words}]]"), words
        )

    def through(words: int) -> Timed:
        body = gateway_body(wire.model, f"[[reasoning=0]] [[words={words}]]")
        return timed(http, f"{url}/v1/chat/completions", {"authorization": f"Bearer {KEY}"}, body, words)

    columns: dict[Ask, Column] = {direct: Column(), through: Column()}
    for ask in columns:
        ask(chunks)
    for _ in range(rounds):
        for ask, column in columns.items():
            column.firsts.append(ask(3).first_s)
    for _ in range(max(3, rounds // 3)):
        for ask, column in columns.items():
            column.rates.append(ask(chunks).rate)
    return _row(wire.model, columns[direct], columns[through])


def _row(name: str, direct: Column, through: Column) -> str:
    added = through.first_ms - direct.first_ms
    first = f"{direct.first_ms:8.1f} {through.first_ms:8.1f} {added:+8.1f} {through.first_ms / direct.first_ms:6.1f}x"
    rates = f"{direct.rate:10.0f} {through.rate:8.0f} {through.rate / direct.rate:6.2f}x"
    return f"{name:18}{first} {rates}"


def local_table(rounds: int, chunks: int) -> None:
    """Print the comparison for each wire format."""
    print(f"{'':18}{'first chunk, ms':^33}  {'chunks per second':^26}")
    print(f"{'':18}{'direct':>8} {'gateway':>8} {'added':>8} {'ratio':>7} {'direct':>10} {'gateway':>8} {'ratio':>7}")
    with simulator() as bases, gateway(bases) as url, httpx.Client(timeout=120) as http:
        for wire in WIRES:
            print(compare(http, wire, bases, url, rounds, chunks), flush=True)


def rss_kib(pid: int) -> int:
    """Resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


async def watched(environment: Environment, event: Mapping[str, Any], chunks: int) -> str:
    """Take a stream of so many chunks from a function; its pace, and how its memory grew on the way."""
    seen, early, began = 0, 0, time.perf_counter()
    async with contextlib.aclosing(environment.invoke(dict(event), timeout_s=280)) as items:
        async for item in items:
            seen += isinstance(item, Chunk)
            early = early or (rss_kib(environment.pid) if seen == _SETTLED else 0)
            if isinstance(item, End) and item.error:
                raise RuntimeError(f"the function ended its answer with {item.error}")
    took = time.perf_counter() - began
    if seen < chunks:
        raise RuntimeError(f"only {seen} of {chunks} chunks came")
    grown = rss_kib(environment.pid) - early
    return f"{seen:8} chunks {seen / took:8.0f} per s {early / _KIB:8.1f} MiB {grown / _KIB:+8.2f} MiB"


@contextlib.asynccontextmanager
async def stream_function() -> AsyncIterator[tuple[Environment, str]]:
    """The function `stream` under the Lambda runtime, over a real store and the simulator; a key for it."""
    with tempfile.TemporaryDirectory() as folder:
        async with (
            running_backend(Path(folder)) as backend,
            deployed(function("stream", backend, "http://127.0.0.1:9")) as environment,
        ):
            yield environment, await backend.key("bench")


async def lambda_table(chunks: int) -> None:
    """Print pace and memory of long streams through the Lambda runtime."""
    print(f"\n{'Lambda runtime':18}{'':30}{'memory':>13} {'growth':>12}")
    async with deployed(Function()) as environment:
        print(f"{'runtime alone':18}{await watched(environment, rest_event('GET', '/flood'), 20_000)}", flush=True)
    async with stream_function() as (environment, key):
        for wire in WIRES:
            body = gateway_body(wire.model, f"[[reasoning=0]] [[words={chunks}]]")
            headers = [("authorization", f"Bearer {key}"), ("content-type", "application/json")]
            event = rest_event("POST", "/v1/chat/completions", headers, json_bytes(body))
            print(f"{wire.model:18}{await watched(environment, event, chunks)}", flush=True)


def json_bytes(value: Any) -> bytes:
    return httpx.Request("POST", "http://bench", json=value).read()


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streaming", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="streams of each kind, whose median counts")
    parser.add_argument("--chunks", type=int, default=1000, help="length of the streams that the pace is taken of")
    parser.add_argument("--long", type=int, default=20_000, help="length of the streams through the Lambda runtime")
    options = parser.parse_args()
    local_table(options.rounds, options.chunks)
    asyncio.run(lambda_table(options.long))


if __name__ == "__main__":
    main()
