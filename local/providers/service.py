"""One request from its first byte to its last: count it, check it, pick a fault, answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from local.providers.calls import Call, CallLog
from local.providers.exchange import Exchange, Gone
from local.providers.faults import Fault, FaultBook
from local.providers.generation import generate
from local.providers.model import Failure, Generation, Prompt, Refused, Reply, Request, Stamp, Tokens
from local.providers.play import Play
from local.providers.wire import Wire, model_of
from local.providers.wishes import Wishes


@dataclasses.dataclass(slots=True)
class Simulator:
    """The state behind the four providers. `now_s` is the wall clock in seconds; `pace_ms` the default per chunk."""

    now_s: Callable[[], float]
    pace_ms: float = 0.0
    faults: FaultBook = dataclasses.field(default_factory=FaultBook)
    calls: CallLog = dataclasses.field(default_factory=CallLog)


class Endpoint:
    """The ASGI app of one wire format."""

    def __init__(self, simulator: Simulator, wire: Wire) -> None:
        self._simulator = simulator
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        call: Call | None = None
        try:
            request = await exchange.request()
            call = self._begin(request)
            await self._answer(exchange, call, request)
        except Gone:
            if call:
                self._simulator.calls.end(call, "disconnected")
        finally:
            if call:
                self._simulator.calls.end(call, "unfinished")
            await exchange.close()

    def _begin(self, request: Request) -> Call:
        model = request.params.get("model") or model_of(request.body)
        return self._simulator.calls.begin(self._wire.provider, self._wire.endpoint, model, request)

    async def _answer(self, exchange: Exchange, call: Call, request: Request) -> None:
        try:
            prompt = self._checked(call, request)
        except Refused as refused:
            await self._refuse(exchange, call, refused.reply)
            return
        fault, answer = self._simulator.faults.claim(self._wire.provider, prompt.model, self._wire.endpoint)
        play = self._play(exchange, call, prompt, fault, answer)
        await play.run()

    def _checked(self, call: Call, request: Request) -> Prompt:
        refusal = self._wire.refusal(request, call.number)
        if refusal:
            raise Refused(refusal)
        if request.method == "POST" and not isinstance(request.body, dict):
            raise Refused(self._wire.failure(Failure("bad_json", number=call.number)))
        return self._wire.read(request, call.number)

    async def _refuse(self, exchange: Exchange, call: Call, reply: Reply) -> None:
        self._simulator.calls.end(call, "error", reply.status)
        await exchange.reply(reply)

    def _play(self, exchange: Exchange, call: Call, prompt: Prompt, fault: Fault | None, answer: Fault | None) -> Play:
        params: dict[str, Any] = answer.params if answer else {}
        wishes = self._wishes(prompt, params, call.number)
        generation = self._generation(prompt, wishes)
        call.tokens = Tokens(input=generation.tokens.input)
        call.fault = fault.kind if fault else None
        return Play(
            exchange=exchange,
            calls=self._simulator.calls,
            call=call,
            wire=self._wire,
            prompt=prompt,
            generation=generation,
            stamp=Stamp(call.number, int(self._simulator.now_s())),
            fault=fault,
            pace_s=(wishes.pace or self._simulator.pace_ms) / 1000,
            extra_headers=_headers(params) + _headers(fault.params if fault else {}),
        )

    def _wishes(self, prompt: Prompt, params: dict[str, Any], number: int) -> Wishes:
        try:
            return Wishes.of(prompt.user_text).updated(params)
        except ValueError as error:
            message = f"simulator directive: {error}"
            raise Refused(self._wire.failure(Failure("invalid", message=message, number=number))) from None

    def _generation(self, prompt: Prompt, wishes: Wishes) -> Generation:
        if self._wire.endpoint == "chat":
            return generate(prompt, wishes)
        return Generation(tokens=Tokens(input=prompt.input_tokens))


def _headers(params: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name.lower(), str(value)) for name, value in params.get("headers", {}).items())
