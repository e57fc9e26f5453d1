"""Answers one call, with its fault if it has one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from local.providers.calls import Call, CallLog
from local.providers.exchange import Exchange
from local.providers.faults import Fault
from local.providers.generation import truncated
from local.providers.model import Failure, Frame, Generation, Prompt, Reply, Stamp
from local.providers.wire import Wire, dumps

HTML = b"<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>"
GARBAGE = b'{"id": "chatcmpl-', b'data: {"id": "broken\n\n'
ERRORS = ("auth", "context_length", "error_text", "not_found", "rate_limit", "server_error", "unavailable")
DEFAULT_DELAY_MS = 1000
DEFAULT_CHUNKS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """Everything that answering one call needs. `pace_s` is the time between chunks of a stream."""

    exchange: Exchange
    calls: CallLog
    call: Call
    wire: Wire
    prompt: Prompt
    generation: Generation
    stamp: Stamp
    fault: Fault | None
    pace_s: float
    extra_headers: tuple[tuple[str, str], ...]

    async def run(self) -> None:
        """Answer. Raises Gone if nobody is there to answer."""
        act = self._acts().get(self.fault.kind) if self.fault else None
        await (act() if act else self._good())

    def _acts(self) -> dict[str, Callable[[], Awaitable[None]]]:
        acts: dict[str, Callable[[], Awaitable[None]]] = {
            "content_filter": self._content_filter,
            "cut": self._good,
            "empty_choices": self._empty,
            "html": self._html,
            "malformed": self._malformed,
            "redirect": self._redirect,
            "reset": self._reset,
            "slow": self._slow,
            "slow_first_token": self._good,
            "stall": self._good,
            "timeout": self.exchange.hang,
        }
        return acts | dict.fromkeys(ERRORS, self._error)

    # whole answers that are wrong

    async def _error(self) -> None:
        if self.prompt.stream and "after_chunks" in self._params:
            await self._good()
        else:
            await self._fail(self.wire.failure(self._failure()))

    async def _html(self) -> None:
        await self._fail(Reply(200, HTML, (), "text/html; charset=utf-8"))

    async def _redirect(self) -> None:
        location = str(self._params.get("url", "http://127.0.0.1:9/"))
        await self._fail(Reply(307, b"", (("location", location),)))

    async def _malformed(self) -> None:
        if self.prompt.stream:
            await self._good()
        else:
            await self._fail(Reply(200, GARBAGE[0], self.wire.headers(self.prompt, self.stamp)))

    async def _reset(self) -> None:
        self.calls.end(self.call, "unfinished")
        await self.exchange.reset()

    async def _slow(self) -> None:
        await self.exchange.pause(self._delay_s)
        await self._good()

    async def _content_filter(self) -> None:
        """As an error of the prompt, or (`as_error` false) as the reason why the answer ends after some chunks."""
        if not self._params.get("as_error", "after_chunks" not in self._params):
            kept = truncated(self.generation, self._after, "content_filter")
            await replace(self, generation=kept, fault=None).run()
        elif self.wire.blocks_in_band:
            await replace(self, generation=truncated(self.generation, 0, "blocked"), fault=None).run()
        else:
            await self._fail(self.wire.failure(self._failure()))

    async def _empty(self) -> None:
        await replace(self, generation=truncated(self.generation, 0, "empty"), fault=None).run()

    # good answers, as far as they go

    async def _good(self) -> None:
        await (self._stream() if self.prompt.stream else self._json())

    async def _json(self) -> None:
        body = dumps(self.wire.whole(self.prompt, self.generation, self.stamp))
        reply = Reply(200, body, self.wire.headers(self.prompt, self.stamp) + self.extra_headers)
        kind = self.fault.kind if self.fault else ""
        if kind == "slow_first_token":
            await self.exchange.pause(self._delay_s)
        if kind in ("cut", "stall"):
            await self._half(reply)
            return
        self._finish()
        await self.exchange.reply(reply)

    async def _half(self, reply: Reply) -> None:
        self.call.generated = self.generation.tokens.output
        await self.exchange.start(reply.status, reply.content_type, reply.headers, len(reply.body))
        await self.exchange.write(reply.body[: len(reply.body) // 2])
        await self._break_off()

    async def _stream(self) -> None:
        headers = self.wire.headers(self.prompt, self.stamp) + self.extra_headers
        await self.exchange.start(200, "text/event-stream; charset=utf-8", headers)
        self.exchange.watch()
        if self.fault and self.fault.kind == "slow_first_token":
            await self.exchange.pause(self._delay_s)
        breaks_at = self._after if self.fault and self.fault.kind not in ("slow", "slow_first_token") else None
        chunks = 0
        for frame in self.wire.frames(self.prompt, self.generation, self.stamp):
            if chunks == breaks_at and (frame.tokens or chunks):
                await self._break_off()
                return
            await self._write(frame)
            chunks += bool(frame.tokens)
        self._finish()
        await self.exchange.end()

    async def _write(self, frame: Frame) -> None:
        await self.exchange.write(frame.data)
        self.call.generated += frame.tokens
        if frame.tokens and self.pace_s:
            await self.exchange.pause(self.pace_s)

    async def _break_off(self) -> None:
        kind = self.fault.kind if self.fault else ""
        if kind == "stall":
            await self.exchange.hang()
        if kind == "cut":
            self.calls.end(self.call, "unfinished", 200)
            await self.exchange.cut()
            return
        broken = GARBAGE[1] if kind == "malformed" else self.wire.in_band(self._failure())
        self.calls.end(self.call, "unfinished", 200)
        await self.exchange.write(broken)
        await self.exchange.end()

    # counting and parameters

    def _finish(self) -> None:
        self.call.tokens = self.generation.tokens
        self.call.generated = self.generation.tokens.output
        self.calls.end(self.call, "ok", 200)

    async def _fail(self, reply: Reply) -> None:
        self.calls.end(self.call, "error", reply.status)
        await self.exchange.reply(replace(reply, headers=reply.headers + self.extra_headers))

    def _failure(self) -> Failure:
        kind = self.fault.kind if self.fault else "server_error"
        return Failure(
            kind="server_error" if kind == "error_text" else kind,
            model=self.prompt.model,
            message=self._params.get("message") or self._params.get("text"),
            status=self._params.get("status"),
            retry_after=self._params.get("retry_after"),
            input_tokens=self.prompt.input_tokens,
            limit=int(self._params.get("limit", 200_000)),
            number=self.call.number,
        )

    @property
    def _params(self) -> dict[str, Any]:
        return self.fault.params if self.fault else {}

    @property
    def _delay_s(self) -> float:
        return float(self._params.get("delay_ms", DEFAULT_DELAY_MS)) / 1000

    @property
    def _after(self) -> int:
        return int(self._params.get("after_chunks", DEFAULT_CHUNKS))
