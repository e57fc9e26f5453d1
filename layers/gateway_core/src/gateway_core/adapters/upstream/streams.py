"""One attempt's stream: sends the request, and hands its content on while it comes."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.adapters.upstream.rates import view_of
from gateway_core.adapters.upstream.transport import OnceTransport
from gateway_core.domain.answer import Chunk
from gateway_core.domain.chat import Json
from gateway_core.waiting import Patience
from gateway_core.wires.codec import EventReader


@dataclass(frozen=True, slots=True)
class Opened:
    """A request that was sent for a stream: who reads its events, and the options that were left out."""

    reader: EventReader
    dropped: tuple[str, ...] = ()


type Open = Callable[[], Awaitable[Opened]]
"""Sends the request."""


class NotAStreamError(Exception):
    """The provider answered, but not with server-sent events, or not with these alone."""


class Flow:
    """Content as it comes. Whatever goes wrong is noted in `cause` and in the exchange, not raised.

    The deadline is checked whenever the network is waited for, not while the caller has the floor: a timeout that
    spans a `yield` would cancel the caller.
    """

    def __init__(
        self, seen: ProviderExchange, transport: OnceTransport, open_: Open, *, timeout_s: float, first_within_s: float
    ) -> None:
        self._seen = seen
        self._transport = transport
        self._open = open_
        self._patience = Patience()
        now_s = self._patience.now_s()
        self._deadline_s = now_s + timeout_s
        self._first_deadline_s = now_s + first_within_s
        self._events: deque[Json] = deque()
        self._opened: Opened | None = None
        self._told = 0
        self.has_begun = False
        self.cause: Exception | None = None
        seen.events = self._events

    async def next(self) -> Chunk | None:
        """The next content, as soon as it is in; None when no more will come."""
        if self._opened is None:
            await self._within(self._begin)
        while self.cause is None and (opened := self._opened):
            if self._events:
                chunk = self._read(opened.reader, self._events.popleft())
                if chunk.is_content:
                    chunk = self._with_usage(chunk)
                    return chunk if self.has_begun else self._first(chunk)
            elif self._over:
                self._check()
                return None
            else:
                await self._within(self._transport.read)
        return None

    def last(self) -> Chunk:
        """The end of a stream that `classify` found sound, in the provider's own words."""
        reader = self._opened.reader if self._opened else None
        called = reader is not None and reader.called
        finish = self._seen.finish or "stop"
        if not called and finish == "tool_calls":
            finish = "stop"  # a tool that was made up for the response format, and turned into text again
        elif called and finish == "stop" and (self._stop_may_call or self._seen.ended_silently):
            finish = "tool_calls"
        rest = reader.last() if reader else Chunk()
        usage = self._seen.usage
        is_bill = usage is not None and self._tells_bill and (usage.is_bill or not self.has_begun)
        return self._first(replace(rest, finish_reason=finish, usage=usage, is_bill=is_bill))

    @property
    def _tells_bill(self) -> bool:
        return self._seen.watch is not None and self._seen.watch.is_bill

    def close(self) -> None:
        """Nothing is waited for any more."""
        self._patience.close()

    @property
    def _stop_may_call(self) -> bool:
        stream = self._seen.wire.stream
        return stream is not None and stream.stop_may_call

    @property
    def _over(self) -> bool:
        return self._seen.ended or (self._seen.watch is not None and self._seen.watch.over)

    def _check(self) -> None:
        if self._seen.watch is None or self._seen.watch.malformed:
            self.cause = NotAStreamError()

    async def _begin(self) -> None:
        self._opened = await self._open()

    async def _within(self, step: Callable[[], Awaitable[object]]) -> None:
        try:
            with self._patience.until(self._deadline_s if self.has_begun else self._first_deadline_s):
                await step()
        except Exception as cause:  # noqa: BLE001 - LiteLLM and odd events raise anything; `classify` judges it
            if self._patience.expired:
                self._seen.fault = "deadline"
            self.cause = cause

    def _read(self, reader: EventReader, event: Json) -> Chunk:
        try:
            return reader.chunk(event)
        except Exception as cause:  # noqa: BLE001 - as above
            self.cause = cause
            return Chunk()

    def _with_usage(self, chunk: Chunk) -> Chunk:
        """What the provider reports on the way goes along, so that a caller who leaves is charged for it."""
        watch = self._seen.watch
        if watch is None or watch.reports == self._told:
            return chunk
        self._told = watch.reports
        return replace(chunk, usage=self._seen.usage)

    def _first(self, chunk: Chunk) -> Chunk:
        if self.has_begun:
            return chunk
        self.has_begun = True
        dropped = self._opened.dropped if self._opened else ()
        return replace(chunk, dropped_params=dropped, rates=view_of(self._seen))
