"""One connection: the bytes of a request out, those of its answer in."""

from __future__ import annotations

import asyncio
import select
import ssl
from typing import cast, override

from gateway_core.http1.errors import ConnectionBroken, HttpError, MalformedAnswer
from gateway_core.http1.heads import Head
from gateway_core.http1.reader import AnswerReader
from gateway_core.http1.requests import Origin

_MUCH = 256 * 1024
"""Bytes of an answer that nobody has taken: beyond these nothing more is read."""
_JOINED = 64 * 1024
"""Bytes of a request that are copied to be sent at once with its head."""


class Connection(asyncio.BufferedProtocol):
    """Carries one exchange at a time. What has come until somebody reads is handed on together.

    `buffer` is for the bytes of one read; all connections of an event loop may share it. Who does not lead to where the
    host's name does, is not `shared`.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, buffer: memoryview, origin: Origin, *, shared: bool = True
    ) -> None:
        self._loop = loop
        self._buffer = buffer
        self._shared = shared
        self.origin = origin
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._paused = False
        self._error: HttpError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._poll = select.poll()
        self.exchanges = 0

    @property
    def is_reusable(self) -> bool:
        """Whether the last exchange is over, and left the connection fit for another one."""
        reader, transport = self._reader, self._transport
        if transport is None or transport.is_closing() or self._error is not None or not self._shared:
            return False
        if reader is None:
            return True
        kept = reader.ended and not reader.excess and reader.head is not None and reader.head.keeps_alive
        return kept and not self._paused and not transport.get_write_buffer_size()

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits in the socket of an idle connection; what does can only be its end.

        The event loop may not have seen it yet, above all where the process was frozen.
        """
        sock = self._transport.get_extra_info("socket") if self._transport else None
        if sock is None or sock.fileno() < 0:
            return False
        return not self._poll.poll(0)

    @property
    def ended(self) -> bool:
        """Whether the answer has come to its end."""
        return self._reader is not None and self._reader.ended

    @property
    def head(self) -> Head | None:
        """That of the answer, once it is there."""
        return self._reader.head if self._reader else None

    def start(self, head: bytes, body: bytes) -> None:
        """Send a request. Raises ConnectionBroken, MalformedAnswer if that is no use any more."""
        transport = self._transport
        if transport is None or self._error is not None:
            raise self._error or ConnectionBroken("the connection is closed")
        self._reader, self._pieces, self._size = AnswerReader(), [], 0
        self.exchanges += 1
        if len(body) <= _JOINED:
            transport.write(head + body)
        else:
            transport.writelines((head, body))

    def take(self) -> bytes:
        """What of the body has come since."""
        pieces = self._pieces
        if not pieces:
            return b""
        self._pieces, self._size = [], 0
        if self._paused and self._transport:
            self._paused = False
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def more(self) -> asyncio.Future[None]:
        """To be awaited, by one at a time, until something has come. Raises ConnectionBroken, MalformedAnswer."""
        if self._error is not None:
            raise self._error
        self._waiter = self._loop.create_future()
        return self._waiter

    def abort(self) -> None:
        """Cut it off."""
        if self._transport is not None:
            self._transport.abort()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _fail(self, error: HttpError) -> None:
        self._error = self._error or error
        self.abort()
        self._wake()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        if sock := transport.get_extra_info("socket"):
            self._poll.register(sock.fileno(), select.POLLIN)

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    @override
    def buffer_updated(self, nbytes: int) -> None:
        reader = self._reader
        if reader is None or self._error is not None:
            self._fail(MalformedAnswer("nobody had asked"))
            return
        try:
            piece = reader.feed(bytes(self._buffer[:nbytes]))
        except MalformedAnswer as error:
            self._fail(error)
            return
        if piece:
            self._keep(piece)
        if reader.excess:
            self.abort()
        if self._waiter is not None:
            self._wake()

    def _keep(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > _MUCH and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()

    @override
    def eof_received(self) -> None:
        try:
            if self._reader is not None and self._has_last_word():
                self._reader.close()
        except ConnectionBroken as error:
            self._error = self._error or error
        self._wake()

    def _has_last_word(self) -> bool:
        """Over TLS, whether the end is the other side's: asyncio does not tell it from one that somebody else made."""
        tls: ssl.SSLObject | None = self._transport.get_extra_info("ssl_object") if self._transport else None
        try:
            return tls is None or not tls.read(1)
        except ssl.SSLError:
            return False

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.ended:
            self._error = self._error or ConnectionBroken("the connection broke")
        self._wake()
