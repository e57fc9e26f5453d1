"""A function that another one invoked: who calls is in the event, sealed, where nobody can put it over HTTP."""

import json

import httpx
import pytest
from starlette.applications import Starlette

from gateway_core.access.internal_identity import LIFE_MS, IdentitySeal, InternalIdentity
from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.api import complete, usage
from gateway_core.api.app import create_app
from gateway_core.config.environment import StoreSettings
from gateway_core.domain.caller import Grant, Limits
from gateway_core.domain.credentials import Secret
from gateway_core.invocation import HttpRequest, proxy_event
from gateway_core.lambda_stream.request import read_event
from gateway_core.store.virtual_keys import KeyRecord, subject_digest
from local.serving import serve
from tests.conftest import World, catalog_of, model, settings_for
from tests.plain_http import NOBODY

DIGEST = subject_digest("https://issuer.example/", "ann")
STORE = StoreSettings("http://127.0.0.1:9", Secret("the store's token"))
SEAL = IdentitySeal(STORE.token)
BODY = json.dumps({"messages": [{"role": "user", "content": "hi"}]}).encode()
JSON = {"content-type": "application/json"}


@pytest.fixture
async def world():
    catalog = catalog_of(model("first"), model("second"), groups={"reasoning": ("first",), "fast": ("second",)})
    world = World(catalog, settings_for(catalog, store=STORE))
    await world.store.put_key(KeyRecord("alpha", DIGEST, user_id="ann", limits=Limits(rpm=2)))
    return world


@pytest.fixture
def app(world) -> Starlette:
    return create_app(world.services, complete.router, usage.router)


def sealed(world, digest=DIGEST, project="alpha", user="ann", age_ms=0, **rights):
    return SEAL.seal(InternalIdentity(project, digest, user, Grant(**rights)), world.clock.now_ms() - age_ms)


def request(identity="", **headers):
    return HttpRequest("POST", "/v1/complete", headers={**JSON, **headers}, body=BODY, identity=identity)


async def on_lambda(app, event):
    """The status of the answer to an event, which is read as on Lambda."""
    asked = read_event(json.loads(json.dumps(event)), None)

    async def invoked(_scope, receive, send):
        await app({**asked.scope}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(invoked), base_url="http://gateway") as http:
        return (await http.post("/", content=asked.body)).status_code


def by_api_gateway(event):
    """The same event as API Gateway makes it; `requestContext` is all its own."""
    known = {"apiId": "abc123", "accountId": "123456789012", "stage": "live"}
    return {**event, "requestContext": {**event["requestContext"], **known}}


async def test_who_is_vouched_for_is_let_in(world, app):
    """As the record says, on Lambda and in this process; the limits of the record hold."""
    first = await on_lambda(app, proxy_event(request(sealed(world))))
    second = await AsgiInvoker({"complete": app}).invoke("complete", request(sealed(world)))
    third = await AsgiInvoker({"complete": app}).invoke("complete", request(sealed(world)))
    assert [first, second.status, third.status] == [200, 200, 429]
    assert {record.user_id for record in await world.records()} == {"ann"}


@pytest.mark.parametrize("name", ["gatewayIdentity", "x-gateway-identity", "identity", "authorization", "x-api-key"])
async def test_nobody_can_send_an_identity_over_http(world, app, name):
    """Not a good one either: by API Gateway and by a socket alike, headers are just headers."""
    with serve(app) as url:
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=NOBODY) as http:
            for value in (sealed(world), f"Bearer {sealed(world)}"):
                event = proxy_event(request(**{name.lower(): value}))
                assert (await on_lambda(app, by_api_gateway(event))) == 401
                answer = await http.post("/v1/complete", content=BODY, headers={**JSON, name: value})
                assert answer.status_code == 401
    assert await world.records() == []


async def test_an_identity_in_body_or_query_is_none(world, app):
    """It is looked for in one place."""
    beside = {"gatewayIdentity": sealed(world), "requestContext": {"gatewayIdentity": sealed(world)}}
    body = json.dumps({**json.loads(BODY), **beside}).encode()
    asked = HttpRequest("POST", "/v1/complete", {"gatewayIdentity": sealed(world)}, JSON, body)
    assert (await on_lambda(app, proxy_event(asked))) == 401
    assert (await on_lambda(app, {**proxy_event(request()), "gatewayIdentity": sealed(world)})) == 401


async def test_an_event_of_api_gateway_has_no_identity(world, app):
    """Whatever stands in it: only what another function invoked directly is asked for one."""
    event = by_api_gateway(proxy_event(request(sealed(world))))
    assert (await on_lambda(app, event)) == 401


def tampered(text):
    """With another last letter."""
    return text[:-1] + ("A" if text[-1] != "A" else "B")


@pytest.mark.parametrize(
    "change",
    [
        lambda world: sealed(world, age_ms=LIFE_MS),
        lambda world: sealed(world, age_ms=-60_000),
        lambda world: tampered(sealed(world)),
        lambda world: sealed(world).swapcase(),
        lambda world: IdentitySeal(Secret("another")).seal(
            InternalIdentity("alpha", DIGEST, "ann", Grant()), world.clock.now_ms()
        ),
        lambda _world: "nonsense",
        lambda world: sealed(world, digest=subject_digest("https://issuer.example/", "bob")),
        lambda world: sealed(world, project="beta"),
        lambda world: sealed(world, user="bob"),
    ],
    ids=["stale", "early", "tampered", "swapped", "another secret", "nonsense", "nobody", "elsewhere", "another user"],
)
async def test_what_is_not_good_any_more_is_401(world, app, change):
    """Old, changed, of another secret, or of nobody who has a record here."""
    for _ in range(2):
        assert (await on_lambda(app, proxy_event(request(change(world))))) == 401
    assert await world.records() == []


async def test_a_key_beside_an_identity_does_not_count(world, app):
    """The front sends one of them; who is vouched for stays who he is."""
    key = await world.key("beta")
    answer = await on_lambda(app, proxy_event(request(sealed(world), authorization=f"Bearer {key}")))
    assert answer == 200
    assert len(await world.records("alpha")) == 1
    assert await world.records("beta") == []


async def test_the_rights_of_the_token_hold(world, app):
    """Also where the record is looked up anew, as an operator has changed it meanwhile."""
    narrow = sealed(world, groups=frozenset({"fast"}))
    assert (await on_lambda(app, proxy_event(request(narrow)))) == 403
    caller = await world.services.authenticator.find("alpha", DIGEST)
    await world.store.put_key(KeyRecord("alpha", DIGEST, user_id="ann", tools=("complete",)))
    assert (await on_lambda(app, proxy_event(request(narrow)))) == 403
    assert caller.grant is None


async def test_without_a_store_there_is_no_secret(world):
    """Then nobody is believed."""
    services = World(world.catalog, settings_for(world.catalog), world.store).services
    app = create_app(services, complete.router)
    assert (await on_lambda(app, proxy_event(request(sealed(world))))) == 401


async def test_no_line_of_the_log_has_an_identity(world, app):
    """It would be good for a minute."""
    for identity in (sealed(world), sealed(world, age_ms=LIFE_MS)):
        await on_lambda(app, proxy_event(request(identity)))
        assert identity.partition(".")[2] not in world.log.getvalue()
