"""What one attempt saw on the wire. The transport fills it; everything that judges an attempt reads it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway_core.adapters.upstream.watch import StreamWatch
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.http1.requests import Origin, Url
from gateway_core.wires.frames import EVENT_STREAM, FrameReader
from gateway_core.wires.table import LIMIT_HEADERS
from gateway_core.wires.wire import Wire

type Fault = Literal[
    "foreign_host",
    "second_request",
    "address",
    "connect",
    "reset",
    "redirect",
    "encoded",
    "too_large",
    "truncated",
    "deadline",
]
"""What the transport refused to do (the first three), or what befell the attempt."""

_STREAMS_ARE_LONGER = 8
"""Half a kilobyte of framing for each token is usual."""
_KEPT_HEADERS = frozenset({"retry-after", "retry-after-ms", "request-id", "x-request-id", "x-amzn-requestid"}) | {
    "content-type",
    "date",
}
_KEPT_PREFIXES = tuple(headers.prefix for headers in LIMIT_HEADERS)


def origin_of(url: str) -> Origin:
    """Scheme, host and port. Raises ValueError for anything but an absolute http(s) URL without userinfo."""
    return Url.parse(url).origin


def _no_clock() -> int:
    return 0


@dataclass(slots=True)
class ProviderExchange:
    """One attempt's request and answer. A new one per attempt, so that parallel calls cannot mix.

    `sent` is true as soon as a byte of the request may have left: from then on the provider may bill. `ended` is
    true when the body came to the end that HTTP framing promised. `body` stays empty for an event stream, which
    `watch` looks at as it passes; `events` takes its events where a stream was asked for. `answered_ms` is when the
    headers came, by `now_ms`.
    """

    wire: Wire
    origin: Origin
    max_bytes: int
    requests: int = 0
    sent: bool = False
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    received: int = 0
    ended: bool = False
    fault: Fault | None = None
    watch: StreamWatch | None = None
    events: deque[Json] | None = None
    now_ms: Callable[[], int] = _no_clock
    answered_ms: int = 0
    _decoded: tuple[int, Any] = (-1, None)
    _used: tuple[int, Usage | None] = (-1, None)

    def begin(self, origin: Origin) -> bool:
        """Note that a request wants to leave for `origin`; False if it must not."""
        self.requests += 1
        if self.requests > 1:
            self.fault = self.fault or "second_request"
            return False
        if origin != self.origin:
            self.fault = "foreign_host"
            return False
        return True

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """Note status and the headers worth keeping (names in lower case)."""
        self.status, self.answered_ms = status, self.now_ms()
        self.headers = {n: v for n, v in headers.items() if n in _KEPT_HEADERS or n.startswith(_KEPT_PREFIXES)}
        if self.content_type == "text/event-stream":
            self.watch = StreamWatch(self.wire, self.events)
        elif self.content_type == EVENT_STREAM:
            self.watch = StreamWatch(self.wire, self.events, reader=FrameReader())

    def take(self, chunk: bytes) -> bool:
        """Note a piece of the body; False once it is longer than allowed. A stream may be longer: it is not kept."""
        self.received += len(chunk)
        if self.received > self.max_bytes * (1 if self.watch is None else _STREAMS_ARE_LONGER):
            self.fault = "too_large"
            if self.watch is None:
                self.body += chunk[: self.max_bytes - len(self.body)]
            return False
        if self.watch is not None:
            self.watch.feed(chunk)
        else:
            self.body += chunk
        return True

    def end(self) -> None:
        """Note that the body came to its end."""
        self.ended = True
        if self.watch is not None:
            self.watch.end()

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def complete(self) -> bool:
        """Whether the whole answer arrived. A terminator is as good as the end, where a provider sends one."""
        if self.watch is None:
            return self.ended
        if self._is_lax and self.ended and self.fault is None and self.watch.finish:
            return True
        ended = self.ended or (self.watch.over and self.fault is None)
        return ended and bool(self.watch.terminator)

    @property
    def finish(self) -> str:
        """Why the answer ended, see `Wire.finish_of`."""
        return self.wire.finish_of(self.json) if self.watch is None else self.watch.finish

    @property
    def usage(self) -> Usage | None:
        """What the answer says was used, see `Wire.usage_of`."""
        if self.watch is not None:
            return self.wire.usage_of(self.json)
        if self._used[0] != len(self.body):
            self._used = len(self.body), self.wire.usage_of(self.json)
        return self._used[1]

    @property
    def ended_silently(self) -> bool:
        """Whether a stream came to its last word without a finish reason, and may have none."""
        return self._is_lax and self.watch is not None and bool(self.watch.terminator) and not self.watch.finish

    @property
    def _is_lax(self) -> bool:
        return self.wire.stream is not None and self.wire.stream.is_lax

    @property
    def json(self) -> Any:
        """The decoded body, or None if it is not JSON. Of a stream: its last usage, in the wire's shape."""
        if self.watch is not None:
            return {**self.watch.error, **self.watch.usage}
        if self._decoded[0] != len(self.body):
            self._decoded = len(self.body), _decode(bytes(self.body))
        return self._decoded[1]


def _decode(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
