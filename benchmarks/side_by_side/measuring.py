"""What is measured of each: kinds of load, and what one round of one kind saw."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from benchmarks.side_by_side.client import Connection, Door, Reply, asked
from benchmarks.side_by_side.processes import cpu_s, memory_mib

_MS = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """So many requests of so many callers, each of whom asks again as soon as it is answered."""

    name: str
    count: int
    callers: int = 1
    streams: bool = False


KINDS = (
    Kind("whole", 60),
    Kind("stream", 40, streams=True),
    Kind("whole16", 192, callers=16),
    Kind("whole32", 192, callers=32),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """One round of one kind: processor for each request, in the gateway and in the store beside it; times; answers.

    Times are medians, to the first content and to the end, in milliseconds, as processor is; answers are by second.
    """

    cpu_ms: float
    store_ms: float
    first_ms: float
    took_ms: float
    rate: float


class Measured(Protocol):
    """Whoever can be asked."""

    async def round(self, kind: Kind) -> Sample:
        """Raises BadAnswer for an answer that is not one."""
        ...

    def memory(self) -> tuple[float, float]:
        """MiB of the gateway, and of the store beside it."""
        ...


@dataclass(frozen=True, slots=True)
class Served:
    """A server. `own` are the processes that are it, `beside` those of its store."""

    door: Door
    own: Sequence[int]
    beside: Sequence[int] = ()

    async def round(self, kind: Kind) -> Sample:
        loop = asyncio.get_running_loop()
        request = self.door.request(streams=kind.streams)
        connections = [await Connection.open(self.door.url) for _ in range(kind.callers)]
        own, beside, began_s = _sum(self.own), _sum(self.beside), loop.time()
        each = kind.count // kind.callers
        seen = await asyncio.gather(*(_call(one, request, each, streams=kind.streams) for one in connections))
        took_s = loop.time() - began_s
        cpu = _sum(self.own) - own, _sum(self.beside) - beside
        for one in connections:
            one.close()
        return sample(kind, cpu, took_s, [reply for replies in seen for reply in replies])

    def memory(self) -> tuple[float, float]:
        return sum(map(memory_mib, self.own)), sum(map(memory_mib, self.beside))


def _sum(pids: Sequence[int]) -> float:
    return sum(map(cpu_s, pids))


async def _call(connection: Connection, request: bytes, count: int, *, streams: bool) -> list[Reply]:
    return [await connection.ask(request, streams=streams) for _ in range(count)]


def sample(kind: Kind, cpu: tuple[float, float], took_s: float, seen: Sequence[Reply]) -> Sample:
    """Of so many seconds, all requests together."""
    return Sample(
        cpu[0] / kind.count * _MS,
        cpu[1] / kind.count * _MS,
        statistics.median(reply.first_s for reply in seen) * _MS,
        statistics.median(reply.took_s for reply in seen) * _MS,
        kind.count / took_s,
    )


@dataclass(frozen=True, slots=True)
class Library:
    """`bare.py`, which is asked by lines."""

    process: subprocess.Popen[str]
    model: str

    async def round(self, kind: Kind) -> Sample:
        loop = asyncio.get_running_loop()
        body = asked(self.model, streams=kind.streams)
        began_s = loop.time()
        told = await asyncio.to_thread(self._ask, {"body": body, "count": kind.count, "callers": kind.callers})
        seen = [Reply(first, took) for first, took in told["seen"]]
        return sample(kind, (told["cpu_s"], 0.0), loop.time() - began_s, seen)

    def _ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        if not (self.process.stdin and self.process.stdout):
            raise RuntimeError("there are no pipes")
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        told: dict[str, Any] = json.loads(self.process.stdout.readline() or "null") or {}
        if not told:
            raise RuntimeError("litellm.acompletion failed, see above")
        return told

    def memory(self) -> tuple[float, float]:
        return memory_mib(self.process.pid), 0.0
