"""A provider's stream while it runs: what was delivered, what it has cost so far, and how long it may be silent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from gateway_core.domain.answer import Chunk, ProviderAnswer, ToolCall, Usage
from gateway_core.domain.provider_errors import DeploymentUnusable, ProviderError, ProviderTimeout, ProviderUnavailable
from gateway_core.domain.rates import RateView
from gateway_core.pipeline.stream_meter import StreamMeter
from gateway_core.ports import Clock
from gateway_core.routing.unknown_end import StoppedStream
from gateway_core.waiting import Patience

_GRACE_S = 0.1
_AT_ONCE_S = 0.01
"""What has arrived is there before a timer as short as this: it takes one look at the network."""
_TAKE_IN_S = 0.25
"""A provider that never pauses is not listened to for longer by nobody."""


@dataclass(slots=True)
class Delivered:
    """Everything that went out, put together. Grows with each chunk."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    refusal: list[str] = field(default_factory=list)
    calls: dict[int, list[str]] = field(default_factory=dict)
    customs: set[int] = field(default_factory=set)
    beside: list[str] = field(default_factory=list)
    sound_tokens: int = 0
    is_billed: bool = False
    """Whether the end told a usage: earlier ones are of what had been said by then."""
    finish_reason: str = ""
    usage: Usage | None = None
    dropped_params: tuple[str, ...] = ()
    rates: RateView | None = None

    def add(self, chunk: Chunk) -> None:
        """Take note of a chunk."""
        if chunk.text:
            self.text.append(chunk.text)
        if chunk.reasoning:
            self.reasoning.append(chunk.reasoning)
        if chunk.refusal:
            self.refusal.append(chunk.refusal)
        if chunk.beside:
            self.beside.append(chunk.beside)
        self.sound_tokens += chunk.sound_tokens
        for delta in chunk.tool_calls:
            call = self.calls.setdefault(delta.index, ["", "", ""])
            for place, part in enumerate((delta.id, delta.name, delta.arguments)):
                call[place] += part
            if delta.custom:
                self.customs.add(delta.index)
        self.finish_reason = chunk.finish_reason or self.finish_reason
        self.usage = chunk.usage or self.usage
        self.is_billed = bool(chunk.finish_reason and chunk.usage and chunk.is_bill)
        self.dropped_params = chunk.dropped_params or self.dropped_params
        self.rates = chunk.rates or self.rates

    @property
    def everything(self) -> str:
        """All that the model wrote: text, reasoning, refusal, tool calls, and what has no place among these."""
        calls = ("".join(call) for call in self.calls.values())
        return "".join([*self.text, *self.reasoning, *self.refusal, *calls, *self.beside])

    def answer(self, usage: Usage) -> ProviderAnswer:
        """The whole answer, as a call without streaming would have given it."""
        calls = tuple(
            ToolCall(call_id, name, arguments, custom=index in self.customs)
            for index, (call_id, name, arguments) in sorted(self.calls.items())
        )
        text, reasoning, refusal = ("".join(said) for said in (self.text, self.reasoning, self.refusal))
        return ProviderAnswer(
            text, calls, self.finish_reason, usage, self.dropped_params, reasoning, self.rates, refusal=refusal
        )


class AttemptStream:
    """One attempt's stream. `begin` it, take its chunks by `next`, and `close` it in any case, or `stop` it early.

    Errors that it raises carry as usage what the attempt has cost: what the provider reported if that is its last word,
    else an estimate, and then they say so.
    """

    def __init__(
        self, chunks: AsyncIterator[Chunk], meter: StreamMeter, clock: Clock, *, first_s: float, stall_s: float
    ) -> None:
        self._chunks = chunks
        self._meter = meter
        self._clock = clock
        self._begin_within_s = first_s
        self._stall_s = stall_s
        self._patience = Patience()
        self._head: deque[Chunk] = deque()
        self._sent_s = self._ended_s = clock.monotonic_s()
        self._first_s: float | None = None
        self._last_s: float | None = None
        self.delivered = Delivered()

    async def begin(self) -> None:
        """Read up to the first content. Raises ProviderError, and has then closed.

        The provider itself gives up after `first_s` seconds, as it knows whether anything was sent by then; one that
        does not is ended a little later.
        """
        self._sent_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(self._begin_within_s + _GRACE_S):
                await self._read_head()
        except TimeoutError:
            await self.close()
            raise await self._priced(ProviderTimeout("The model sent nothing in time.")) from None
        except ProviderError as error:
            raise await self._priced(error) from None
        except Exception as error:
            await self.close()
            detail = f"unexpected {type(error).__name__} in the provider adapter"
            failed = DeploymentUnusable("The provider call failed.", detail=detail, unconfirmed=True)
            raise await self._priced(failed) from error

    @property
    def usage(self) -> Usage:
        """What the provider has reported so far."""
        return self.delivered.usage or Usage()

    @property
    def rates(self) -> RateView | None:
        """What the provider says of its rate limits."""
        return self.delivered.rates

    async def next(self) -> Chunk | None:
        """The next chunk, None behind the last. Raises ProviderError."""
        if self._head:
            return self._head.popleft()
        try:
            with self._patience.within(self._stall_s):
                chunk = await anext(self._chunks, None)
        except (TimeoutError, ProviderError) as error:
            raise await self._priced(_silent() if isinstance(error, TimeoutError) else error) from None
        except Exception as error:
            # A fault of ours or of a library: what was delivered so far is still charged.
            detail = f"unexpected {type(error).__name__} in the provider's stream"
            broken = ProviderUnavailable("The provider's stream broke off.", detail=detail, unconfirmed=True)
            raise await self._priced(broken) from error
        if chunk is not None:
            self._note(chunk)
        elif not self.delivered.is_billed:
            # Some servers never say; what was sent and delivered is what can be known.
            self.delivered.usage, self.delivered.is_billed = await self._counted(), True
        return chunk

    async def close(self) -> None:
        """Close the provider's connection."""
        self._patience.close()
        if close := getattr(self._chunks, "aclose", None):
            await close()

    async def stop(self) -> None:
        """Take in what has arrived already, and close: nobody waits for more."""
        try:
            await self._take_in()
        finally:
            self._ended_s = self._clock.monotonic_s()
            await self.close()

    async def bill(self) -> tuple[Usage, bool]:
        """What a stream that was stopped has cost, and whether that is an estimate."""
        if self.delivered.is_billed:
            return self.usage, False
        return await self._estimated(self.delivered.usage), True

    async def _take_in(self) -> None:
        end_s = self._patience.now_s() + _TAKE_IN_S
        try:
            while self._patience.now_s() < end_s and (chunk := await self._at_once(end_s)):
                self._note(chunk)
        except ProviderError as error:
            self.delivered.usage = error.usage or self.delivered.usage
        except Exception:  # noqa: BLE001 - whatever it is, the stream ends, and is estimated
            return

    async def _at_once(self, end_s: float) -> Chunk | None:
        with self._patience.until(min(end_s, self._patience.now_s() + _AT_ONCE_S)):
            return await anext(self._chunks, None)

    async def _read_head(self) -> None:
        async for chunk in self._chunks:
            self._head.append(chunk)
            self._note(chunk)
            if chunk.is_content:
                return

    def _note(self, chunk: Chunk) -> None:
        self.delivered.add(chunk)
        if chunk.is_content:
            self._last_s = self._clock.monotonic_s()
            self._first_s = self._last_s if self._first_s is None else self._first_s

    async def _priced(self, error: ProviderError) -> ProviderError:
        self._ended_s = self._clock.monotonic_s()
        error.rates = error.rates or self.delivered.rates
        error.usage = error.usage or self.delivered.usage
        if error.unconfirmed:
            error.usage = await self._estimated(error.usage)
            error.unconfirmed, error.estimated = False, True
        return error

    async def _counted(self) -> Usage:
        delivered = self.delivered
        counted = (await self._meter.counted(delivered.everything)).with_sound(delivered.sound_tokens)
        return delivered.usage.at_least(counted) if delivered.usage else counted

    async def _estimated(self, reported: Usage | None) -> Usage:
        stopped = StoppedStream(
            said=self.delivered.everything,
            sound_tokens=self.delivered.sound_tokens,
            reported=reported,
            first_s=self._since_sent(self._first_s),
            last_s=self._since_sent(self._last_s),
            ended_s=self._ended_s - self._sent_s,
            hides=self._meter.hides_output,
        )
        return await self._meter.charged(stopped)

    def _since_sent(self, moment_s: float | None) -> float | None:
        return None if moment_s is None else moment_s - self._sent_s


def _silent() -> ProviderError:
    return ProviderTimeout("The model fell silent in the middle of its answer.")
