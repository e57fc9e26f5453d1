"""What the tests of the response cache have in common: callers, a provider that waits, a store that fails."""

import asyncio
from contextlib import aclosing

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.errors import StoreUnavailable

HELLO = ({"role": "user", "content": "one two three"},)
COST_NANO = 3 * 1000 + 3 * 2000


def request(project="alpha", **changes):
    fields = {"messages": HELLO, "attribution": Attribution(project), "model_group": "reasoning", "cache": True}
    return ChatRequest(**{**fields, **changes})


class Callers:
    """Asks the world's gateway, each time under a new request id."""

    def __init__(self, world):
        self.world = world
        self.asked = 0

    async def caller(self, project="alpha", **rights):
        return await self.world.services.authenticator.authenticate(await self.world.key(project, **rights))

    async def ask(self, caller, wanted=None, timeout_s=60, **options):
        self.asked += 1
        gateway = self.world.services.gateway
        return await gateway.complete(wanted or request(), caller, f"req_{self.asked}", timeout_s=timeout_s, **options)

    async def stream(self, caller, wanted=None, timeout_s=60, **options):
        self.asked += 1
        stream = self.world.services.gateway.stream(
            wanted or request(), caller, f"req_{self.asked}", timeout_s=timeout_s, **options
        )
        async with aclosing(stream) as parts:
            return [part async for part in parts]

    @property
    def called(self):
        return [call.deployment.upstream_model for call in self.world.provider.calls]


class Gate:
    """A provider whose calls wait until they are let through, or told to fail."""

    def __init__(self, world):
        self.open, self.waiting, self.errors = asyncio.Event(), 0, []
        self.behind = world.provider.complete
        world.provider.complete = self.complete

    async def complete(self, call):
        self.waiting += 1
        await self.open.wait()
        if self.errors:
            raise self.errors.pop()
        return await self.behind(call)


async def settled(tasks):
    """Until nothing moves any more without help: each task has got as far as it can."""
    for _ in range(50):
        await asyncio.sleep(0)
    return [task.done() for task in tasks]


class Outage:
    """Lets the named calls of a store fail, and counts them."""

    def __init__(self, store, *names):
        self.asked = []
        for name in names:
            setattr(store, name, self._failing(name))

    def _failing(self, name):
        async def fail(*_args, **_kwargs):
            self.asked.append(name)
            raise StoreUnavailable("away", detail="a test")

        return fail
