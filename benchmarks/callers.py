"""Callers in a closed loop: each asks again as soon as it is answered. Cheap, so that the gateway is what is measured.

HTTP/1.1 by hand over one kept connection each: a library's client would cost as much CPU as the gateway does.
"""

from __future__ import annotations

import asyncio
import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from http import HTTPStatus
from typing import Any

PATH = "/v1/complete"
NO_ANSWER = "no answer"
_LONGEST_S = 300.0
_PAUSE_S = 0.2
"""Before a caller connects again whose connection broke: there may be nobody for a while."""
_BODY = {"messages": [{"role": "user", "content": "[[words=20]] Say something."}], "max_tokens": 64}


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask, and what for."""

    host: str
    port: int
    key: str
    model: str
    obeys: bool = False
    """Whether a caller who is refused waits as long as `Retry-After` says."""

    def request(self) -> bytes:
        """All bytes of one request."""
        body = json.dumps({**_BODY, "model": self.model}).encode()
        head = f"POST {PATH} HTTP/1.1\r\nhost: {self.host}\r\nauthorization: Bearer {self.key}\r\n"
        return f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


@dataclass(slots=True)
class Seen:
    """What callers were answered: seconds of good answers, refusals by status and code, and what was charged.

    `rude` counts refusals of 429 and 503 that do not say when to come back.
    """

    good_s: list[float] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    rude: int = 0
    cost_usd: Decimal = Decimal(0)
    took_s: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.good_s) / self.took_s if self.took_s else 0.0

    def percentile_ms(self, percent: int) -> float:
        """Of good answers; 0 where there are none."""
        return 1000 * _quantile(self.good_s, percent)


async def crowd(target: Target, callers: int, seconds: float) -> Seen:
    """What so many callers see who ask for so long; who is under way then is waited for, and counts."""
    loop = asyncio.get_running_loop()
    seen, began_s = Seen(), loop.time()
    request = target.request()
    await asyncio.gather(*(_call(target, request, began_s + seconds, seen) for _ in range(callers)))
    seen.took_s = loop.time() - began_s
    return seen


async def _call(target: Target, request: bytes, end_s: float, seen: Seen) -> None:
    loop = asyncio.get_running_loop()
    connection: _Connection | None = None
    while loop.time() < end_s:
        try:
            connection = connection or await _Connection.open(target)
            began_s = loop.time()
            async with asyncio.timeout(_LONGEST_S):
                answer = await connection.ask(request)
        except (OSError, EOFError, TimeoutError) as error:
            seen.others[f"{NO_ANSWER} ({type(error).__name__})"] += 1
            connection = connection.closed() if connection else None
            await asyncio.sleep(_PAUSE_S)
            continue
        pause_s = _note(seen, answer, loop.time() - began_s)
        if answer.closes:
            connection = connection.closed()
        if target.obeys and pause_s:
            await asyncio.sleep(min(pause_s, max(0.0, end_s - loop.time())))
    if connection:
        connection.closed()


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def closes(self) -> bool:
        return self.headers.get(b"connection") == b"close"


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, target: Target) -> _Connection:
        return cls(*await asyncio.open_connection(target.host, target.port))

    async def ask(self, request: bytes) -> _Answer:
        """Raises OSError or EOFError where there is no whole answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        body = await self._reader.readexactly(int(headers[b"content-length"]))
        return _Answer(int(first.split(b" ", 2)[1]), headers, body)

    def closed(self) -> None:
        self._writer.close()


def _note(seen: Seen, answer: _Answer, took_s: float) -> float:
    """How long the answer asks to wait."""
    value = json.loads(answer.body)
    if answer.status == HTTPStatus.OK:
        seen.good_s.append(took_s)
        seen.cost_usd += Decimal(value["cost"]["total_usd"])
        return 0.0
    seen.others[f"{answer.status} {_code(value)}"] += 1
    wait = answer.headers.get(b"retry-after")
    seen.rude += wait is None and answer.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return float(wait or 0)


def _code(value: Any) -> str:
    try:
        return str(value["error"]["code"])
    except (KeyError, TypeError):
        return "not the gateway's"


def _quantile(times: Sequence[float], percent: int) -> float:
    if len(times) < 2:  # noqa: PLR2004 - quantiles takes two
        return times[0] if times else 0.0
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]
