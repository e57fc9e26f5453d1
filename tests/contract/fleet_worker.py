"""One process of a fleet: a whole gateway with a trivial provider over a shared store, at a time that it is told.

Each line of its input is a job, each line of its output the result:
`{"now": epoch ms, "requests": [id, ...], "limited": seconds}` runs the requests at once; with `limited` the first
model answers 429 with that Retry-After. The result of each: who answered, `waited` seconds, the attempts, the error.
With `hold` who must wait says `{"waiting": seconds}` and never goes on.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import astuple, replace
from types import MappingProxyType
from typing import Any, override

from gateway_core.adapters.echo import echo
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.answer import ProviderAnswer
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest, ProviderCall
from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import RateLimitError
from tests.conftest import World, catalog_of, model, settings_for
from tests.manual_clock import ManualClock

RPM = 1200
_waited: ContextVar[float] = ContextVar("waited")


class ToldClock(ManualClock):
    """Stands still; whoever sleeps does not wait, but is noted. With `holds` they wait for ever, and say so."""

    holds = False

    def set(self, now_ms: int) -> None:
        self._now_ms = float(now_ms)

    @override
    async def sleep(self, seconds: float) -> None:
        _waited.set(_waited.get() + seconds)
        if self.holds:
            say({"waiting": seconds})
            await asyncio.Event().wait()


def say(what: dict[str, Any]) -> None:
    print(json.dumps(what), flush=True)  # noqa: T201 - its way to answer


def limited(seconds: float) -> Callable[[ProviderCall], ProviderAnswer]:
    def behave(_call: ProviderCall) -> ProviderAnswer:
        raise RateLimitError("slow down", retry_after_s=seconds)

    return behave


def world_at(url: str, token: str) -> World:
    """Two models; the first provider is configured with a limit."""
    catalog = catalog_of(model("first"), model("second"), groups={"both": ("first", "second"), "one": ("first",)})
    providers = dict(catalog.providers)
    providers["first-provider"] = replace(providers["first-provider"], rpm=RPM)
    catalog = replace(catalog, providers=MappingProxyType(providers))
    store: Any = UpstashStore(url, token, connect_timeout_s=30, timeout_s=30)
    return World(catalog, settings_for(catalog), store=store, clock=ToldClock())


async def run_one(world: World, key: str, request_id: str, group: str) -> dict[str, Any]:
    _waited.set(0.0)
    caller = await world.services.authenticator.authenticate(key)
    request = ChatRequest(({"role": "user", "content": "hi"},), Attribution("alpha"), model_group=group)
    try:
        done = await world.services.gateway.complete(request, caller, request_id, timeout_s=60)
    except LLMError as error:
        attempts = [astuple(attempt)[:4] for attempt in error.attempts]
        return {"error": error.code, "retry_after_s": error.retry_after_s, "attempts": attempts}
    attempts = [astuple(attempt)[:4] for attempt in done.attempts]
    return {"model": done.model.key, "waited": _waited.get(), "attempts": attempts}


async def run(world: World, key: str, job: dict[str, Any]) -> dict[str, Any]:
    clock: Any = world.clock
    clock.set(job["now"])
    clock.holds = bool(job.get("hold"))
    world.behave["first"] = limited(job["limited"]) if job.get("limited") else echo
    before = len(world.provider.calls)
    jobs = (run_one(world, key, request_id, job.get("group", "both")) for request_id in job["requests"])
    results = await asyncio.gather(*(asyncio.create_task(work) for work in jobs))
    called = [call.deployment.upstream_model for call in world.provider.calls[before:]]
    return {"results": results, "called": called, "moved": world.clock.now_ms() - job["now"]}


async def main() -> None:
    url, token, key = sys.argv[1:]
    world = world_at(url, token)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        say(await run(world, key, json.loads(line)))
    await world.store.close()


if __name__ == "__main__":
    asyncio.run(main())
