"""Everything that answering one call needs, and how each way to end it is counted."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from local.providers.calls import Call, CallLog, Outcome
from local.providers.exchange import SimulatedExchange
from local.providers.faults import Fault
from local.providers.model import Failure, Generation, Prompt, Reply, Stamp
from local.providers.wire import Wire

KEEP_ALIVE = b": keep-alive\n\n"
_DELAY_MS = 1000
_CHUNKS = 2
_CONTEXT_WINDOW = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """`pace_s` is the time between chunks of a stream, and `sse` the forms of its events (see `sse`).

    `lag_s` is how long a stream is still written after its client left.

    `extra_headers` go on any answer, over the usual ones.
    """

    exchange: SimulatedExchange
    calls: CallLog
    call: Call
    wire: Wire
    prompt: Prompt
    generation: Generation
    stamp: Stamp
    fault: Fault | None = None
    pace_s: float = 0.0
    lag_s: float = 0.0
    sse: tuple[str, ...] = ()
    extra_headers: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.fault.kind if self.fault else ""

    @property
    def params(self) -> dict[str, Any]:
        return self.fault.params if self.fault else {}

    @property
    def delay_s(self) -> float:
        return float(self.params.get("delay_ms", _DELAY_MS)) / 1000

    @property
    def after_chunks(self) -> int:
        """How many chunks with content go out before a stream breaks."""
        return int(self.params.get("after_chunks", _CHUNKS))

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Of a good answer."""
        return self.dressed(self.wire.headers(self.prompt, self.stamp))

    def dressed(self, headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """The headers with those that a test asked for in their place."""
        return tuple((dict(headers) | self.extra_headers).items())

    def without_fault(self, generation: Generation) -> Scene:
        return replace(self, generation=generation, fault=None)

    def failure(self) -> Failure:
        """The fault, for the provider to word. Without one the provider failed by itself."""
        kind = "server_error" if self.kind in ("", "error_text") else self.kind
        return Failure(
            kind=kind,
            model=self.prompt.model,
            message=self.params.get("message") or self.params.get("text"),
            status=self.params.get("status"),
            retry_after=self.params.get("retry_after"),
            input_tokens=self.prompt.input_tokens,
            limit=int(self.params.get("limit", _CONTEXT_WINDOW)),
            number=self.call.number,
            now_s=self.stamp.created,
        )

    async def fail(self, reply: Reply) -> None:
        """Answer with an error."""
        self.calls.end(self.call, "error", reply.status)
        await self.exchange.reply(replace(reply, headers=self.dressed(reply.headers)))

    def finish(self, outcome: Outcome = "ok") -> None:
        """Count the end of an answer that began; an `ok` one counts with all its tokens."""
        if outcome == "ok":
            self.call.tokens = self.generation.tokens
            self.call.generated = self.generation.tokens.output
        self.calls.end(self.call, outcome, 200)

    async def break_off(self, sent: int = 0) -> None:
        """End an answer that began the way the fault says, after so many events. Raises Gone out of one that stalls."""
        if self.kind == "stall":
            await self.linger(math.inf)
        self.finish("unfinished")
        if self.kind == "cut":
            await self.exchange.cut()
        elif self.kind == "reset":
            await self.exchange.reset()
        else:
            await self.exchange.write(self.wire.garbage if self.kind == "malformed" else self._failing(sent))
            await self.exchange.end()

    def _failing(self, sent: int) -> bytes:
        failure = replace(self.failure(), sent=sent)
        if self.params.get("failed"):
            return self.wire.failed(failure, self.prompt, self.stamp)
        return self.wire.in_band(failure)

    async def linger(self, seconds: float) -> None:
        """Wait within a stream. With `keep_alive_ms` a comment goes out that often, as DeepSeek does under load."""
        every = float(self.params.get("keep_alive_ms", 0)) / 1000 if self.prompt.stream else 0
        while every and seconds > every:
            await self.exchange.pause(every)
            await self.exchange.write(KEEP_ALIVE)
            seconds -= every
        await (self.exchange.hang() if math.isinf(seconds) else self.exchange.pause(seconds))
