"""What the workers of one gateway tell each other, by way of the process that started them.

Events get their numbers here, so that `GET /v1/events` of every worker shows the same stream and can go on with
another's. The bell of a job is heard by whoever works on jobs.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import selectors
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import override

from gateway_core.adapters.feed import MOST_KEPT, Entry, EventFeed
from gateway_core.store.jobs import JobName
from gateway_core.telemetry.events import Event

_HEAD = struct.Struct(">I")
_PART = 65_536
_MOST_WAITING_BYTES = 8 * 1024 * 1024
_MOST_WAITING = 10_000


@dataclass(frozen=True, slots=True)
class Told:
    """Events of one worker, still without numbers."""

    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class News:
    """The same for all workers."""

    entries: Sequence[Entry]


@dataclass(frozen=True, slots=True)
class Rung:
    """Somebody's job waits."""

    name: JobName


@dataclass(frozen=True, slots=True)
class Ping:
    """Sent to a worker, and back by its event loop."""

    number: int


type Message = Told | News | Rung | Ping


class Frames:
    """Messages in a stream of bytes. Both ends are processes that one of them forked."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, part: bytes) -> list[Message]:
        """The messages that are whole by now."""
        self._buffer += part
        found: list[Message] = []
        while len(self._buffer) >= _HEAD.size:
            size = _HEAD.size + _HEAD.unpack_from(self._buffer)[0]
            if len(self._buffer) < size:
                break
            found.append(pickle.loads(bytes(self._buffer[_HEAD.size : size])))  # noqa: S301 - our own processes
            del self._buffer[:size]
        return found


def frame(message: Message) -> bytes:
    """As it travels."""
    body = pickle.dumps(message)
    return _HEAD.pack(len(body)) + body


@dataclass(slots=True)
class _Line:
    """The way to one worker. What it does not take in time is not kept for it without end."""

    end: socket.socket
    frames: Frames = field(default_factory=Frames)
    waiting: bytearray = field(default_factory=bytearray)
    answered: int = 0


class Hub:
    """The parent's side. Asks for no thread: `attend` does what there is to do."""

    def __init__(self, kept: int = MOST_KEPT) -> None:
        self._selector = selectors.DefaultSelector()
        self._lines: dict[int, _Line] = {}
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._last = 0

    def connect(self, worker: int) -> socket.socket:
        """The end for a worker, which hears at once what is kept. It takes the place of its predecessor."""
        self.drop(worker)
        mine, its = socket.socketpair()
        mine.setblocking(False)  # noqa: FBT003 - its only argument
        line = self._lines[worker] = _Line(mine)
        self._selector.register(mine, selectors.EVENT_READ, worker)
        self._send(line, News(tuple(self._entries)))
        return its

    def drop(self, worker: int) -> None:
        """It is gone."""
        if line := self._lines.pop(worker, None):
            self._selector.unregister(line.end)
            line.end.close()

    def close(self) -> None:
        """Close all ends. A child does so with those that it inherits, and takes nothing from its parent's selector."""
        for line in self._lines.values():
            line.end.close()
        self._lines.clear()
        self._selector.close()

    def ping(self, number: int) -> None:
        """Ask all whether they live; `answered` tells who does."""
        self._send_all(Ping(number))

    def answered(self, worker: int) -> int:
        """The last number that this worker sent back."""
        line = self._lines.get(worker)
        return line.answered if line else 0

    def attend(self, timeout_s: float) -> None:
        """Pass on what comes within that time; returns as soon as there was something."""
        for key, mask in self._selector.select(timeout_s):
            line = self._lines.get(key.data)
            if line is None:
                continue
            if mask & selectors.EVENT_WRITE:
                self._flush(line)
            if mask & selectors.EVENT_READ:
                self._read(key.data, line)

    def _read(self, worker: int, line: _Line) -> None:
        try:
            part = line.end.recv(_PART)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if not part:
            self.drop(worker)
            return
        for message in line.frames.feed(part):
            self._handle(line, message)

    def _handle(self, line: _Line, message: Message) -> None:
        match message:
            case Told(events=events):
                entries = tuple(Entry(self._last + place, event) for place, event in enumerate(events, 1))
                self._last += len(entries)
                self._entries.extend(entries)
                self._send_all(News(entries))
            case Rung():
                self._send_all(message)
            case Ping(number=number):
                line.answered = number
            case News():
                pass

    def _send_all(self, message: Message) -> None:
        for line in list(self._lines.values()):
            self._send(line, message)

    def _send(self, line: _Line, message: Message) -> None:
        if len(line.waiting) < _MOST_WAITING_BYTES:
            line.waiting += frame(message)
            self._flush(line)

    def _flush(self, line: _Line) -> None:
        try:
            sent = line.end.send(line.waiting) if line.waiting else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            sent = len(line.waiting)  # it is gone, which is noticed where it is read from
        del line.waiting[:sent]
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if line.waiting else 0)
        self._selector.modify(line.end, events, self._selector.get_key(line.end).data)


class Spoke(EventFeed):
    """A worker's side: the feed of all workers, and the bell of their jobs. Implements `EventSink`.

    Two threads, so that nobody waits for the hub. It is made before the worker is, and connected in it.
    """

    def __init__(self, kept: int = MOST_KEPT) -> None:
        super().__init__(kept)
        self._going: queue.Queue[Message] = queue.Queue(_MOST_WAITING)
        self._ringers: list[Callable[[JobName], None]] = []
        self._pulse: Callable[[Callable[[], object]], object] | None = None

    def connect(self, end: socket.socket, pulse: Callable[[Callable[[], object]], object]) -> None:
        """From here on. `pulse` has something done by the event loop that serves, from any thread."""
        self._pulse = pulse
        for work in (self._send_on, self._receive_on):
            threading.Thread(target=work, args=(end,), daemon=True, name="hub").start()

    def on_ring(self, ring: Callable[[JobName], None]) -> None:
        """Have `ring` told of the jobs that any worker accepts."""
        self._ringers.append(ring)

    def ring(self, name: JobName) -> None:
        """Tell all workers of a job."""
        self._tell(Rung(name))

    @override
    async def emit(self, events: Sequence[Event]) -> None:
        self._tell(Told(tuple(events)))

    def _tell(self, message: Message) -> None:
        with contextlib.suppress(queue.Full):  # who watches sees a gap; the log has it all
            self._going.put_nowait(message)

    def _send_on(self, end: socket.socket) -> None:
        while True:
            try:
                end.sendall(frame(self._going.get()))
            except OSError:
                return

    def _receive_on(self, end: socket.socket) -> None:
        frames = Frames()
        while part := _received(end):
            for message in frames.feed(part):
                self._handle(message)

    def _handle(self, message: Message) -> None:
        match message:
            case News(entries=entries):
                self.add(entries)
            case Rung(name=name):
                for ring in self._ringers:
                    ring(name)
            case Ping():
                if self._pulse:
                    self._pulse(lambda: self._tell(message))
            case Told():
                pass


def _received(end: socket.socket) -> bytes:
    try:
        return end.recv(_PART)
    except OSError:
        return b""
