"""Streams through the walk, from providers that follow a script."""

import asyncio
from contextlib import aclosing

from gateway_core.domain.answer import Chunk, Usage
from gateway_core.domain.errors import LLMError
from tests.unit.walks import request

PER_INPUT, PER_OUTPUT = 1000, 2000
BY_FACTOR = {3: 5, 4: 6}
"""So many tokens a provider makes at most of some that are counted here, unless somebody compared the two."""
LAG_TOKENS = 500
"""What a model that nobody knows the speed of can write in the half second until its provider sees the end."""
END = Chunk(finish_reason="stop", usage=Usage(3, 2))


class Silence(asyncio.Event):
    """Never ends. `begun` is set once somebody waits for its end."""

    def __init__(self):
        super().__init__()
        self.begun = asyncio.Event()

    async def wait(self):
        self.begun.set()
        return await super().wait()


def says(world, model, *script):
    """Let a model's provider send chunks, raise errors, or wait for events."""
    scripts = world.__dict__.setdefault("scripts", {})
    scripts[model] = script

    async def stream(call):
        world.provider.calls.append(call)
        for step in scripts.get(call.deployment.upstream_model, (Chunk(text="hi "), END)):
            if isinstance(step, Exception):
                raise step
            if isinstance(step, asyncio.Event):
                await step.wait()
                continue
            yield step

    world.provider.stream = stream


async def pieces_of(world, timeout_s=60.0):
    """What came out, and the error that ended it."""
    caller = await world.services.authenticator.authenticate(await world.key())
    seen = []
    try:
        async with aclosing(world.services.gateway.stream(request(), caller, "req_1", timeout_s=timeout_s)) as stream:
            async for piece in stream:
                seen.append(piece)  # noqa: PERF401 - what came before an error is wanted too
    except LLMError as error:
        return seen, error
    return seen, None
