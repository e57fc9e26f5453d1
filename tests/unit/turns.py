"""Requests that wait for their turn."""

from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import ChatRequest
from tests.conftest import World, catalog_of, model, settings_for
from tests.unit.walks import HELLO


def world_of_two():
    """Two models; in the group `reasoning` only the first can serve."""
    catalog = catalog_of(model("first"), model("second"), groups={"reasoning": ("first",), "both": ("first", "second")})
    return World(catalog, settings_for(catalog))


def request(group="reasoning"):
    return ChatRequest(HELLO, Attribution("alpha"), model_group=group)


async def asked(world, caller, request_id, group="reasoning", timeout_s=60):
    return await world.services.gateway.complete(request(group), caller, request_id, timeout_s=timeout_s)
