"""POST /v1/complete with `explain`: why which model was asked, and which were not."""

import httpx
import pytest

from gateway_core.api import complete
from gateway_core.api.app import create_app
from gateway_core.api.schemas import CompleteBody
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import Deployment
from gateway_core.domain.errors import StoreUnavailable
from tests.conftest import World, catalog_of, model, settings_for
from tests.functions.completions import HELLO, post


async def test_an_explanation_is_given_when_asked_for(client, world):
    """Each candidate with what decided on its place, and what is not among them; nothing without being asked."""
    asked = {**HELLO, "explain": True, "max_tokens": 10, "routing": "latency", "fallback": False}
    told = (await post(client, asked)).json()["explanation"]
    assert (told["routing"], told["input_tokens"]) == ("latency", 22)
    assert told["candidates"] == [
        {
            "model": "first",
            "provider": "first-provider",
            "position": 1,
            "tier": 1,
            "estimated_cost_usd": "0.000042",
            "latency_ms": None,
            "breaker": "closed",
            "retry_after_ms": 0,
        }
    ]
    spare = {"provider": "second-provider", "reason": "fallback", "detail": "the request wants no fallback"}
    assert told["dropped"][0] == {"model": "second", **spare}
    assert "explanation" not in (await post(client, HELLO)).json()


async def test_an_explanation_names_the_field_at_fault(wide_client, wide_world):
    """Where it is a single one, and a sentence that says why; so do the attempts."""
    answer = (await post(wide_client, {**HELLO, "explain": True, "logit_bias": {"50256": -100}})).json()
    assert answer["explanation"]["dropped"] == [
        {
            "model": "narrow",
            "provider": "narrow-provider",
            "reason": "unsupported",
            "detail": "narrow cannot bias single tokens (logit_bias)",
            "param": "logit_bias",
        }
    ]
    assert [(a["model"], a["outcome"], a["error_code"]) for a in answer["attempts"]] == [
        ("narrow", "skipped", "unsupported"),
        ("wide", "ok", None),
    ]
    (call,) = wide_world.provider.calls
    assert call.params == {"logit_bias": {"50256": -100}}


@pytest.fixture
def wide_world():
    """A model that is called through LiteLLM, and one on OpenAI's wire."""
    wide = Deployment("wide-provider", "wide", "https://wide.example", engine="native")
    catalog = catalog_of(model("narrow"), model("wide", deployment=wide))
    return World(catalog, settings_for(catalog))


@pytest.fixture
async def wide_client(wide_world):
    """Speaks to it."""
    headers = {"authorization": f"Bearer {await wide_world.key()}"}
    transport = httpx.ASGITransport(create_app(wide_world.services, complete.router))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield http


async def test_an_explanation_does_without_the_store(client, world):
    """It tells what is known, and refuses nothing."""

    async def down(pairs, project):
        raise StoreUnavailable("away")

    world.store.deployment_states = down
    told = (await post(client, {**HELLO, "explain": True})).json()["explanation"]
    assert [line["breaker"] for line in told["candidates"]] == ["unknown"] * 3


async def test_an_explanation_names_no_model_that_the_key_may_not_use():
    """Fallbacks outside the key's groups do not exist for it."""
    catalog = catalog_of(model("a", fallbacks=("b", "c")), model("b"), model("c"), groups={"mine": ("a", "c")})
    world = World(catalog, settings_for(catalog))
    caller = await world.services.authenticator.authenticate(await world.key(groups=("mine",)))
    for fallback, expected in ((True, ["a", "c"]), (False, ["a"])):
        body = {**HELLO, "model": "a", "explain": True, "fallback": fallback}
        chat = CompleteBody(**body).to_request(Attribution(caller.project_id), 60, body)
        done = await world.services.gateway.complete(chat, caller, f"r{fallback}", timeout_s=60)
        told = done.explanation
        assert [line.model for line in told.candidates] == expected
        assert "b" not in [drop.model for drop in told.dropped]
