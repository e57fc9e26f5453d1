"""A provider's stream while it runs: what was delivered, what it has cost so far, and how long it may be silent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from gateway_core.domain.chat import Chunk, ProviderAnswer, ToolCall, Usage
from gateway_core.domain.errors import ProviderError, ProviderTimeout, ProviderUnavailable
from gateway_core.domain.rates import RateView
from gateway_core.waiting import Patience

_GRACE_S = 0.1

type Estimate = Callable[[str], Awaitable[Usage]]
"""What an attempt has cost at least, given the text that it delivered: its input, and that text as output."""


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
        self.text.append(chunk.text)
        self.reasoning.append(chunk.reasoning)
        self.refusal.append(chunk.refusal)
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
    """One attempt's stream, opened up to its first content. Take its chunks by `next`; close it in any case.

    Errors that it raises carry as usage what the attempt has cost: what the provider reported if that is its last word,
    else at least the input and what was delivered.
    """

    def __init__(self, chunks: AsyncIterator[Chunk], estimate: Estimate, stall_s: float) -> None:
        self._chunks = chunks
        self._estimate = estimate
        self._stall_s = stall_s
        self._patience = Patience()
        self._head: deque[Chunk] = deque()
        self.delivered = Delivered()

    @classmethod
    async def start(
        cls, chunks: AsyncIterator[Chunk], estimate: Estimate, *, first_s: float, stall_s: float
    ) -> AttemptStream:
        """Read up to the first content. Raises ProviderError, and has then closed.

        The provider itself gives up after `first_s` seconds, as it knows whether anything was sent by then; one that
        does not is ended a little later.
        """
        attempt_stream = cls(chunks, estimate, stall_s)
        try:
            async with asyncio.timeout(first_s + _GRACE_S):
                await attempt_stream._read_head()
        except TimeoutError:
            await attempt_stream.close()
            raise await attempt_stream._priced(ProviderTimeout("The model sent nothing in time.")) from None
        except ProviderError as error:
            raise await attempt_stream._priced(error) from None
        except BaseException:
            await attempt_stream.close()
            raise
        return attempt_stream

    @property
    def usage(self) -> Usage:
        """What the provider has reported so far."""
        return self.delivered.usage or Usage()

    @property
    def rates(self) -> RateView | None:
        """What the provider says of its rate limits."""
        return self.delivered.rates

    async def least_usage(self) -> Usage:
        """What the attempt has cost at least."""
        counted = await self._estimate(self.delivered.everything)
        return _at_least(self.delivered.usage, counted.with_sound(self.delivered.sound_tokens))

    async def next(self) -> Chunk | None:
        """The next chunk, None behind the last. Raises ProviderError."""
        if self._head:
            return self._head.popleft()
        chunk = await self._receive()
        if chunk is not None:
            self.delivered.add(chunk)
        elif not self.delivered.is_billed:
            # Some servers never say; what was sent and delivered is what can be known.
            self.delivered.usage, self.delivered.is_billed = await self.least_usage(), True
        return chunk

    async def close(self) -> None:
        """Close the provider's connection."""
        self._patience.close()
        if close := getattr(self._chunks, "aclose", None):
            await close()

    async def _read_head(self) -> None:
        async for chunk in self._chunks:
            self._head.append(chunk)
            self.delivered.add(chunk)
            if chunk.is_content:
                return

    async def _receive(self) -> Chunk | None:
        try:
            with self._patience.until(self._patience.now_s() + self._stall_s):
                return await anext(self._chunks, None)
        except TimeoutError:
            raise await self._priced(ProviderTimeout("The model fell silent in the middle of its answer.")) from None
        except ProviderError as error:
            raise await self._priced(error) from None
        except Exception as error:
            # A fault of ours or of a library: what was delivered so far is still charged.
            detail = f"unexpected {type(error).__name__} in the provider's stream"
            broken = ProviderUnavailable("The provider's stream broke off.", detail=detail, unconfirmed=True)
            raise await self._priced(broken) from error

    async def _priced(self, error: ProviderError) -> ProviderError:
        error.rates = error.rates or self.delivered.rates
        reported = error.usage or self.delivered.usage
        if error.unconfirmed:
            counted = await self._estimate(self.delivered.everything)
            reported = _at_least(reported, counted.with_sound(self.delivered.sound_tokens))
        error.usage = reported
        return error


def _at_least(reported: Usage | None, counted: Usage) -> Usage:
    return reported.at_least(counted) if reported else counted
