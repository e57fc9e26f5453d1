"""Connections that are kept and used again, for one event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from gateway_core.http1.allowance import Allowance
from gateway_core.http1.connection import Connection
from gateway_core.http1.errors import AnswerTimeout, ConnectError, ConnectionBroken, ConnectTimeout, MalformedAnswer
from gateway_core.http1.heads import Head
from gateway_core.http1.idle import Idle
from gateway_core.http1.line import Line
from gateway_core.http1.requests import Origin, Request, Template
from gateway_core.http1.tls import LazyTls

_READ = 256 * 1024
"""Not less than asyncio keeps back of TLS, which it would lose at the end of a connection."""
_SECOND_ADDRESS_S = 0.25
"""After so long without a connection the host's next address is tried beside the first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Connections at once (None: any number), of which so many are kept for so long unused; seconds to connect.

    Many servers close what was not used for 5 s: a request is not to meet them doing so.
    """

    most: int | None = None
    keep: int = 20
    idle_s: float = 4.0
    connect_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def _nothing() -> None:
    """For who need not know."""


class Response:
    """An answer whose body is still to be read."""

    def __init__(self, head: Head, connection: Connection, end: Callable[[Connection], None]) -> None:
        self.status = head.status
        self.headers = head.headers
        self._connection: Connection | None = connection
        self._end = end

    async def read(self) -> bytes:
        """What has come since, as soon as there is any; nothing at the end.

        Raises ConnectionBroken, MalformedAnswer.
        """
        connection = self._connection
        if connection is None:
            return b""
        while not (piece := connection.take()) and not connection.ended:
            await connection.more()
        if connection.ended:
            self.close()
        return piece

    def close(self) -> None:
        """Let the connection go: to the next request if the answer is whole, else it is cut off."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._end(connection)


class Pool:
    """Sends each request once. Made in the event loop in which it is used.

    No proxies, redirects, cookies, compression or retries; of the environment only certificates count.
    """

    def __init__(self, limits: Limits, tls: LazyTls, wall_s: Callable[[], float] = time.time) -> None:
        self._loop = asyncio.get_running_loop()
        self._limits = limits
        self._tls = tls
        self._buffer = memoryview(bytearray(_READ))
        self._idle = Idle(self._loop, limits.keep, limits.idle_s, wall_s)
        self._line = Line(limits.most)
        self._answered = 0

    async def send(
        self, request: Request, sending: Callable[[], None] = _nothing, *, address: str | None = None
    ) -> Response:
        """Send; the head of the answer is in. `sending` is called when the first byte may leave.

        With `address`, that is connected to in place of what the host's name leads to. For pools without a bound.
        Raises ValueError for what cannot be sent, ConnectError, ConnectionBroken, MalformedAnswer.
        """
        head = request.head()
        connection = await self._open(request.url.origin, address)
        sending()
        try:
            connection.start(head, request.content)
            return Response(await _head(connection), connection, self._end)
        except BaseException:
            connection.abort()
            raise

    async def fetch(self, template: Template, content: bytes, *, answer_s: float, most_bytes: int) -> Answer:
        """Send, and take the whole answer in, for which the other side has `answer_s`.

        Raises LineTimeout, ConnectError, AnswerTimeout, ConnectionBroken, MalformedAnswer, which is also for answers
        that are too long.
        """
        async with self._line:
            connection = await self._open(template.origin, None)
            answered = self._answered
            try:
                with Allowance(answer_s):
                    connection.start(template.head(content), content)
                    found = await _head(connection)
                    body = await _whole(connection, most_bytes)
            except TimeoutError:
                if answered == self._answered:  # nobody else got anything either
                    self._line.send_home()
                raise AnswerTimeout("the answer is late") from None
            except ConnectionBroken:
                if connection.exchanges > 1:
                    self._idle.clear()  # they are as old, and may have met the same end
                raise
            finally:
                self._end(connection)
            self._answered += 1
            return Answer(found.status, found.headers, body)

    async def close(self) -> None:
        """Close what is kept."""
        self._idle.clear()
        await asyncio.sleep(0)  # for the event loop to do so

    async def _open(self, origin: Origin, address: str | None) -> Connection:
        if address is None and (kept := self._idle.take(origin)):
            return kept
        tls = self._tls.context() if origin.is_secure else None
        name = origin.host if tls else None
        make = partial(Connection, self._loop, self._buffer, origin, shared=address is None)
        delay_s = None if address else _SECOND_ADDRESS_S
        try:
            with Allowance(self._limits.connect_s):
                _, connection = await self._loop.create_connection(
                    make,
                    address or origin.host,
                    origin.port,
                    ssl=tls,
                    server_hostname=name,
                    happy_eyeballs_delay=delay_s,
                )
        except TimeoutError:
            raise ConnectTimeout("connecting took too long") from None
        except (OSError, ValueError):
            raise ConnectError("no connection") from None
        return connection

    def _end(self, connection: Connection) -> None:
        if connection.is_reusable:
            self._idle.put(connection)
        else:
            connection.abort()


async def _head(connection: Connection) -> Head:
    while (head := connection.head) is None:
        await connection.more()
    return head


async def _whole(connection: Connection, most_bytes: int) -> bytes:
    pieces = [connection.take()]
    size = len(pieces[0])
    while size <= most_bytes and not connection.ended:
        await connection.more()
        pieces.append(connection.take())
        size += len(pieces[-1])
    if size > most_bytes:
        raise MalformedAnswer("the answer is longer than allowed")
    return b"".join(pieces)
