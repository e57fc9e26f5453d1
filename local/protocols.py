"""How requests are read: what is plain by llhttp, which takes a tenth less CPU; whatever is not as h11 reads it."""

from __future__ import annotations

from typing import override

import h11
import httptools
from uvicorn.protocols.http.h11_impl import H11Protocol

from local.eager import EagerProtocol
from local.slow_clients import Part, Timed, answer_of

_END = b"\r\n\r\n"
_NOT_PLAIN = frozenset({b"expect", b"proxy-connection", b"transfer-encoding"})


class BoundedH11(Timed, H11Protocol):
    """uvicorn's own by h11, with timers."""

    def take_over(self, late_s: float | None, *, is_unread: bool) -> None:
        """Go on with a connection: with the time left, if that was limited, and with what lies there to be read."""
        if late_s is not None:
            self.timed_to(late_s)
        if is_unread:
            self.pause_writing()

    @override
    def awaited(self) -> Part | None:
        state = self.conn.their_state
        has_begun = self.cycle is None or bool(self.conn.trailing_data[0])
        return "headers" if state is h11.IDLE and has_begun else "body" if state is h11.SEND_BODY else None

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.watch()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.watch()

    @override
    def send_400_response(self, msg: str) -> None:
        """To what is no request, unless an answer has begun. uvicorn's own fails then, and behind a HEAD."""
        is_unanswered = self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}
        self.end(answer_of("400 Bad Request", "text/plain; charset=utf-8", msg.encode()) if is_unanswered else b"")


class BoundedProtocol(Timed, EagerProtocol):
    """uvicorn's own by httptools, with timers, for connections whose requests are all plain.

    Plain is a head that came in one piece, that llhttp takes, and of which nobody could think otherwise: one host, at
    most one length, no coding. With the first that is not h11 takes the connection over, as if it had had it all the
    time: it decides what is refused. So what a proxy might understand in another way is never left to llhttp, which is
    lenient, and loses the body of a request that asks for another protocol, as Java's client does over plain HTTP.

    llhttp is given one request at a time, to its last byte. What comes behind it waits until it is answered.
    """

    _head = b""
    _is_plain = False
    _missing = 0
    """Bytes of the body that have not come."""
    _held = b""
    """What came behind the request that is being answered."""

    @override
    def awaited(self) -> Part | None:
        return "headers" if self.cycle is None else "body" if self._missing else None

    @override
    def read(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._read(self._held + data)

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._held and not self.transport.is_closing():
            self._unset_keepalive_if_required()
            self._read(self._held)

    def _read(self, data: bytes) -> None:
        """Read as many requests as may be answered by now, and as much of a body as there is."""
        self._held = b""
        while data:
            if self._missing:
                data = self._read_body(data)
            elif self.cycle and not self.cycle.response_complete:
                self._held = data
                self.flow.pause_reading()
                break
            elif (end := data.find(_END)) < 0 or not self._takes(data[: end + len(_END)]):
                self._hand_over(data)
                return
            else:
                data = data[end + len(_END) :]
        self.watch()

    def _read_body(self, data: bytes) -> bytes:
        """What is behind it."""
        part = data[: self._missing]
        self._missing -= len(part)
        self.parser.feed_data(part)
        return data[len(part) :]

    def _takes(self, head: bytes) -> bool:
        """Whether the request is plain: its answer is under way then."""
        self._head, self._is_plain = head, False
        try:
            self.parser.feed_data(head)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            return False
        return self._is_plain

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip(b" \t")))

    @override
    def on_headers_complete(self) -> None:
        names = [name for name, _ in self.headers]
        line = b"%b %b HTTP/1.1\r\n" % (self.parser.get_method(), self.url)
        self._is_plain = (
            self._head.startswith(line)
            and self.url.startswith(b"/")
            and b"#" not in self.url
            and names.count(b"host") == 1
            and _NOT_PLAIN.isdisjoint(names)
            and not self.parser.should_upgrade()
        )
        if self._is_plain:
            self._missing = int(dict(self.headers).get(b"content-length", b"0"))
            super().on_headers_complete()

    def _hand_over(self, data: bytes) -> None:
        """Let h11 go on with the next request, of which `data` is there. No answer is open."""
        late_s = self.untimed()
        self.connections.discard(self)
        successor = BoundedH11(self.config, self.server_state, self.app_state)
        successor.bounds = self.bounds
        self.transport.set_protocol(successor)
        successor.connection_made(self.transport)
        successor.take_over(late_s, is_unread=self.flow.write_paused)
        self.parser = None  # type: ignore[assignment] # as uvicorn does: they refer to each other
        successor.data_received(data)
