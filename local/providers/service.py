"""One request from its first byte to its last: count it, check it, pick a fault, answer."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from starlette.types import Receive, Scope, Send

from local.providers.bills import Bills
from local.providers.calls import Call, CallLog
from local.providers.exchange import Gone, SimulatedExchange
from local.providers.faults import Fault, FaultBook
from local.providers.generation import generate
from local.providers.model import Failure, Generation, Prompt, Refused, Request, Stamp, Tokens
from local.providers.play import play
from local.providers.prompt_cache import PromptCache
from local.providers.scene import Scene
from local.providers.wire import Wire, model_of
from local.providers.wishes import Wishes

_WRONG_TYPES = (AttributeError, IndexError, KeyError, TypeError, ValueError)
"""What reading a body raises that is valid JSON of the wrong shape, where no rule caught it first."""


@dataclasses.dataclass(slots=True)
class Simulator:
    """The state behind the four providers. `now_s` is the wall clock in seconds; `pace_ms` the default per chunk."""

    now_s: Callable[[], float]
    pace_ms: float = 0.0
    faults: FaultBook = dataclasses.field(default_factory=FaultBook)
    calls: CallLog = dataclasses.field(default_factory=CallLog)
    cache: PromptCache = dataclasses.field(default_factory=PromptCache)
    bills: Bills = dataclasses.field(default_factory=Bills)

    def forget(self) -> None:
        """All calls, and what they left."""
        self.calls.clear()
        self.cache.clear()
        self.bills.clear()


class Endpoint:
    """The ASGI app of one wire format."""

    def __init__(self, simulator: Simulator, wire: Wire) -> None:
        self._simulator = simulator
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = SimulatedExchange(scope, receive, send)
        try:
            request = await exchange.request()
            await self._counted(exchange, request)
        except Gone:
            pass
        finally:
            await exchange.close()

    async def _counted(self, exchange: SimulatedExchange, request: Request) -> None:
        calls = self._simulator.calls
        model = request.params.get("model") or model_of(request.body)
        call = calls.begin(self._wire.provider, self._wire.endpoint, model, request)
        try:
            await self._answer(exchange, call, request)
        except Gone:
            calls.end(call, "disconnected")
        finally:
            calls.end(call, "unfinished")

    async def _answer(self, exchange: SimulatedExchange, call: Call, request: Request) -> None:
        try:
            scene = self._scene(exchange, call, self._checked(request))
        except Refused as refused:
            reply = self._wire.failure(dataclasses.replace(refused.failure, number=call.number))
            self._simulator.calls.end(call, "error", reply.status)
            await exchange.reply(reply)
        else:
            await play(scene)

    def _checked(self, request: Request) -> Prompt:
        self._wire.check_credentials(request)
        if request.method == "POST" and not isinstance(request.body, dict):
            raise Refused(None, kind="bad_json")
        try:
            return self._wire.read(request)
        except _WRONG_TYPES:
            raise Refused(None) from None

    def _scene(self, exchange: SimulatedExchange, call: Call, prompt: Prompt) -> Scene:
        wire = self._wire
        fault, answer = self._simulator.faults.claim(wire.provider, prompt.model, wire.endpoint, prompt.input_tokens)
        params = answer.params if answer else {}
        wishes = _wishes(prompt, params)
        call.tokens = Tokens(input=prompt.input_tokens).times(wishes.count_factor)
        call.count_factor = wishes.count_factor
        call.fault = fault.kind if fault else None
        return Scene(
            exchange=exchange,
            calls=self._simulator.calls,
            call=call,
            wire=wire,
            prompt=prompt,
            generation=self._generation(prompt, wishes, fault),
            stamp=Stamp(call.number, int(self._simulator.now_s())),
            fault=fault,
            pace_s=(wishes.pace or self._simulator.pace_ms) / 1000,
            lag_s=wishes.lag / 1000,
            sse=wishes.sse,
            extra_headers=_headers(answer) | _headers(fault),
        )

    def _generation(self, prompt: Prompt, wishes: Wishes, fault: Fault | None) -> Generation:
        """A call that is to fail leaves nothing in the prompt cache."""
        if self._wire.endpoint == "chat":
            cache = self._simulator.cache
            now_s = self._simulator.now_s()
            used = cache.use(prompt.prefixes, prompt.cache_minimum, now_s, write=fault is None)
            whole = generate(prompt, wishes, used)
            return dataclasses.replace(whole, tokens=whole.tokens.times(wishes.count_factor))
        return Generation(tokens=Tokens(input=prompt.input_tokens))


class NotFound:
    """The ASGI app of a provider's paths that do not exist; not counted as calls."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = "/" + scope["path_params"]["path"]
        reply = self._wire.failure(Failure("unknown_url", model=f"{scope['method']} {path}"))
        await SimulatedExchange(scope, receive, send).reply(reply)


def _wishes(prompt: Prompt, params: dict[str, Any]) -> Wishes:
    try:
        return Wishes.of(prompt.directives).updated(params)
    except ValueError as error:
        raise Refused(f"simulator directive: {error}") from None


def _headers(fault: Fault | None) -> dict[str, str]:
    given = fault.params.get("headers", {}) if fault else {}
    return {name.lower(): str(value) for name, value in given.items()}
