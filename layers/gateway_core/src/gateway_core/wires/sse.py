"""Reads server-sent events as their bytes arrive, in pieces of any size.

Format: https://html.spec.whatwg.org/multipage/server-sent-events.html, 9.2.5 and 9.2.6. Two things are read more kindly
than there, as providers and the proxies before them need it: data of white space alone is a sign of life, no event; and
the last event of a body counts even without the blank line that should follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST_EVENT = 8 * 1024 * 1024
"""Bytes, of an event's data or of a single line."""
_BOM = b"\xef\xbb\xbf"
_MESSAGE = "message"
_PLAIN = re.compile(rb"(?:event: ([^\r\n]*)\n)?data: ?([^\r\n]+)\n\n")
"""An event as nearly all are written. None is of white space alone: that would not be one."""


type Event = tuple[str, bytes]
"""An event's type, `message` unless it has one, and its data lines, joined by line feeds."""


def _never(_data: bytes) -> bool:
    return False


class SseReader:
    """Takes a body's bytes and gives its events.

    `id` and `retry` are taken and have no effect: nobody resumes a provider's stream.

    Args:
        is_whole: Tells of an event's first data line whether it is the event's whole data, so that no other line can
            belong to it. Such an event does not wait for its blank line. Asked only where that is not there yet.
        longest: The longest event, see `LONGEST_EVENT`.
    """

    __slots__ = ("_after_cr", "_at_start", "_data", "_is_whole", "_longest", "_name", "_open", "_size", "too_long")

    def __init__(self, is_whole: Callable[[bytes], bool] = _never, longest: int = LONGEST_EVENT) -> None:
        self.too_long = False
        """Whether an event was longer than allowed. Nothing is read after it."""
        self._is_whole = is_whole
        self._longest = longest
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0
        # Appended in place: a long line that comes in many pieces must not be copied with each of them.
        self._open = bytearray()
        self._after_cr = False
        self._at_start = True

    def feed(self, piece: bytes) -> list[Event]:
        """The events that `piece` completes."""
        events: list[Event] = []
        if not (self._open or self._data or self._name or self._after_cr or self._at_start or self.too_long):
            piece = self._plain(piece, events)
        lines = self._lines(piece) if piece else []
        self._read(lines, events)
        if len(self._data) == 1 and lines and lines[-1].startswith(b"data") and self._is_whole(self._data[0]):
            self._dispatch(events)
        return events

    def end(self) -> list[Event]:
        """The events that the end of the body completes."""
        events: list[Event] = []
        self._read([self._take_open(), b""], events)
        return events

    def _plain(self, piece: bytes, events: list[Event]) -> bytes:
        """Takes the events that stand in `piece` one behind the other, in a quarter of the time; gives what is left."""
        end = 0
        while (found := _PLAIN.match(piece, end)) and len(found[2]) < self._longest and not found[2].isspace():
            name, data = found.groups()
            events.append((name.decode("utf-8", "replace") if name else _MESSAGE, data))
            end = found.end()
        return piece[end:]

    def _lines(self, piece: bytes) -> list[bytes]:
        """The lines that end in `piece`, without their ends."""
        if self._at_start:
            piece = self._without_bom(piece)
        if self._after_cr and piece:
            piece, self._after_cr = piece.removeprefix(b"\n"), False
        lines = piece.splitlines()  # of bytes: at CR, LF and CRLF only
        if not lines or self.too_long:
            return []
        self._after_cr = piece.endswith(b"\r")
        left = b"" if self._after_cr or piece.endswith(b"\n") else lines.pop()
        if lines and self._open:
            self._open += lines[0]
            lines[0] = self._take_open()
        self._open += left
        if len(self._open) > self._longest:
            self._give_up()
        return lines

    def _without_bom(self, piece: bytes) -> bytes:
        piece = self._take_open() + piece
        if len(piece) < len(_BOM) and _BOM.startswith(piece):
            self._open += piece
            return b""
        self._at_start = False
        return piece.removeprefix(_BOM)

    def _read(self, lines: list[bytes], events: list[Event]) -> None:
        for line in lines:
            if self.too_long:
                break
            name, _, value = line.partition(b":")
            if name == b"data":
                self._add(value.removeprefix(b" "), events)
            elif name == b"event":
                self._name = value.removeprefix(b" ").decode("utf-8", "replace")
            elif not line:
                self._dispatch(events)

    def _add(self, data: bytes, events: list[Event]) -> None:
        if len(self._data) == 1 and self._is_whole(self._data[0]):
            self._dispatch(events)
        self._size += len(data) + 1
        if self._size > self._longest:
            self._give_up()
        else:
            self._data.append(data)

    def _dispatch(self, events: list[Event]) -> None:
        data = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
        if data and not data.isspace():
            events.append((self._name or _MESSAGE, data))
        self._name, self._data, self._size = "", [], 0

    def _take_open(self) -> bytes:
        line, self._open = bytes(self._open), bytearray()
        return line

    def _give_up(self) -> None:
        self.too_long, self._data, self._open = True, [], bytearray()
