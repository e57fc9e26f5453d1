"""Reads one answer of HTTP/1.1 from bytes, however they are cut (RFC 9112, sections 6 and 7). Pure.

Strict where leniency would let two readers disagree on where an answer ends: a length and chunks, two lengths, other
codings than chunks, folded or bare lines are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus

from gateway_core.http1.errors import ConnectionBroken, MalformedAnswer
from gateway_core.http1.heads import CHUNKED, UNTIL_CLOSE, Head, check_fields, parse_head

MOST_HEAD = 64 * 1024
"""Bytes of a head, and of the trailers behind the last chunk."""
_MOST_LINE = 4096
"""Bytes of a line before a chunk, extensions included."""
_EXTENSION = rb"[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?\r"
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})" + _EXTENSION + rb"\n")
_CHUNK_BEGUN = re.compile(rb"[0-9A-Fa-f]{0,15}|[0-9A-Fa-f]{1,15}" + _EXTENSION + rb"?")
_START = b"HTTP/1."
_BREAK, _BLANK = b"\r\n", b"\r\n\r\n"


class AnswerReader:
    """Fed with what comes, gives the body. `ended` once the answer is whole, `excess` if more came than that."""

    __slots__ = ("_at", "_data", "_left", "_step", "ended", "excess", "head")

    def __init__(self) -> None:
        self.head: Head | None = None
        self.ended = False
        self.excess = False
        self._data = b""
        self._at = 0
        self._left = 0
        self._step: Callable[[AnswerReader], bytes | None] = AnswerReader._heads

    def feed(self, data: bytes) -> bytes:
        """What of the body has come with `data`. Raises MalformedAnswer."""
        self._data = self._data[self._at :] + data if self._at < len(self._data) else data
        self._at = 0
        pieces: list[bytes] = []
        while self._at < len(self._data) and (piece := self._step(self)) is not None:
            if piece:
                pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """The other side has ended the connection in good order. Raises ConnectionBroken if that is too soon."""
        if not self.ended and (self.head is None or self.head.length != UNTIL_CLOSE):
            raise ConnectionBroken("the answer broke off")
        self.ended = True

    # Each step takes what it can of the data, and sets the next. None: it needs more, or there is nothing to come.

    def _heads(self) -> bytes | None:
        """Those of interim answers are passed over."""
        end = self._data.find(_BLANK, self._at)
        if (end if end >= 0 else len(self._data)) - self._at > MOST_HEAD:
            raise MalformedAnswer("the head is longer than allowed")
        if end < 0:
            begun = self._data[self._at : self._at + len(_START)]
            if not _START.startswith(begun):
                raise MalformedAnswer("no head of an answer")
            return None
        head = parse_head(self._data[self._at : end])
        self._at = end + len(_BLANK)
        if head.status == HTTPStatus.SWITCHING_PROTOCOLS:
            raise MalformedAnswer("the server changed the protocol")
        return self._begin(head) if head.status >= HTTPStatus.OK else b""

    def _begin(self, head: Head) -> bytes | None:
        self.head = head
        if head.length == CHUNKED:
            self._step = AnswerReader._chunk
        elif head.length == UNTIL_CLOSE:
            self._step = AnswerReader._rest
        elif head.length:
            self._left, self._step = head.length, AnswerReader._measured
        else:
            return self._end()
        return b""

    def _measured(self) -> bytes | None:
        piece = self._take()
        return (piece or None) if self._left else self._end(piece)

    def _rest(self) -> bytes | None:
        piece = self._data[self._at :]
        self._at = len(self._data)
        return piece or None

    def _chunk(self) -> bytes | None:
        """The line before a chunk."""
        line = _CHUNK.match(self._data, self._at)
        if line is None:
            begun = self._data[self._at : self._at + _MOST_LINE + 1]
            if len(begun) > _MOST_LINE or not _CHUNK_BEGUN.fullmatch(begun):
                raise MalformedAnswer("no chunk of an answer")
            return None
        begin, size = line.end(), int(line[1], 16)
        end = begin + size
        if size and self._data.startswith(_BREAK, end):  # all of it is there, as nearly always
            self._at = end + len(_BREAK)
            return self._data[begin:end]
        self._at, self._left = begin, size
        self._step = AnswerReader._chunked if size else AnswerReader._trailers
        return b""

    def _chunked(self) -> bytes | None:
        piece = self._take()
        if not self._left:
            self._step = AnswerReader._between
        return piece or None

    def _between(self) -> bytes | None:
        """The line break behind a chunk."""
        found = self._data[self._at : self._at + len(_BREAK)]
        if not _BREAK.startswith(found):
            raise MalformedAnswer("a chunk is longer than announced")
        if len(found) < len(_BREAK):
            return None
        self._at += len(_BREAK)
        self._step = AnswerReader._chunk
        return b""

    def _trailers(self) -> bytes | None:
        """Nothing is read of them."""
        if self._data.startswith(_BREAK, self._at):
            self._at += len(_BREAK)
            return self._end()
        end = self._data.find(_BLANK, self._at)
        if (end if end >= 0 else len(self._data)) - self._at > MOST_HEAD:
            raise MalformedAnswer("the trailers are longer than allowed")
        if end < 0:
            return None
        check_fields(self._data[self._at : end])
        self._at = end + len(_BLANK)
        return self._end()

    def _after(self) -> bytes | None:
        self.excess = self.excess or self._at < len(self._data)
        self._at = len(self._data)
        return None

    def _take(self) -> bytes:
        """As much of what is left as has come."""
        piece = self._data[self._at : self._at + self._left]
        self._at += len(piece)
        self._left -= len(piece)
        return piece

    def _end(self, piece: bytes = b"") -> bytes:
        self.ended, self._step = True, AnswerReader._after
        return piece
