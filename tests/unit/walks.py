"""Requests through the walk over the candidates, and who was called for them."""

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest

HELLO = ({"role": "user", "content": "one two three"},)
CHARGE = 3 * 1000 + 3 * 2000


def request(**changes):
    fields = {"messages": HELLO, "attribution": Attribution("alpha"), "model_group": "reasoning"}
    return ChatRequest(**{**fields, **changes})


async def complete(world, request_id="req_1", timeout_s=60.0, key=None, **changes):
    caller = await world.services.authenticator.authenticate(key or await world.key())
    return await world.services.gateway.complete(request(**changes), caller, request_id, timeout_s=timeout_s)


def failing(error):
    def behave(call):
        raise error

    return behave


def outcomes(attempts):
    return [(a.model, a.outcome, a.error_code) for a in attempts]


def called(world):
    return [call.deployment.upstream_model for call in world.provider.calls]
