"""Tokens that somebody made up, and ways around them."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from gateway_core.domain.oauth import OAuthPolicy
from tests.functions.mcp_front.oauth_world import LIST, OAuthWorld
from tests.functions.mcp_front.test_mcp_gate import refused
from tests.oauth_issuer import NOW_S, Issuer, forged, policy_of, public_jwk, rsa_key


@pytest.fixture
def world():
    return OAuthWorld()


def encoded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed_with_the_public_key(issuer: Issuer) -> str:
    """HS256, where the secret is what everybody can read."""
    public = rsa_key().public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = encoded(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "rsa"}).encode())
    body = encoded(json.dumps(issuer.claims()).encode())
    return f"{head}.{body}.{encoded(hmac.digest(pem, f'{head}.{body}'.encode(), hashlib.sha256))}"


def with_header(issuer: Issuer, **header):
    return jwt.encode(issuer.claims(), rsa_key(), "RS256", headers={"kid": "rsa", **header})


def resigned(token: str, **changes) -> str:
    """Other claims under the same signature."""
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    return f"{head}.{encoded(json.dumps({**claims, **changes}).encode())}.{signature}"


ATTACKS = {
    "alg none": lambda issuer: forged({"alg": "none", "kid": "rsa"}, issuer.claims()),
    "alg none with a signature": lambda issuer: forged({"alg": "none", "kid": "rsa"}, issuer.claims(), b"x"),
    "alg None": lambda issuer: forged({"alg": "None", "kid": "rsa"}, issuer.claims(), b"x"),
    "alg missing": lambda issuer: forged({"kid": "rsa"}, issuer.claims(), b"x"),
    "alg a list": lambda issuer: forged({"alg": ["RS256"], "kid": "rsa"}, issuer.claims(), b"x"),
    "HS256 with the public key": signed_with_the_public_key,
    "an algorithm that is not allowed": lambda issuer: issuer.token(algorithm="RS512"),
    "RS256 by the name of an EC key": lambda issuer: jwt.encode(
        issuer.claims(), rsa_key(), "RS256", headers={"kid": "ec"}
    ),
    "another one's key": lambda issuer: jwt.encode(issuer.claims(), rsa_key(7), "RS256", headers={"kid": "rsa"}),
    "no kid": lambda issuer: jwt.encode(issuer.claims(), rsa_key(), "RS256"),
    "an empty kid": lambda issuer: with_header(issuer, kid=""),
    "a kid of nobody": lambda issuer: with_header(issuer, kid="made-up"),
    "a long kid": lambda issuer: with_header(issuer, kid="k" * 257),
    "a key of its own": lambda issuer: with_header(issuer, jku="https://evil.example/jwks", kid="evil"),
    "critical extensions": lambda issuer: with_header(issuer, crit=["exp"]),
    "other claims": lambda issuer: resigned(issuer.token(), sub="auth0|admin"),
    "another audience": lambda issuer: issuer.token(aud="https://other.example/mcp"),
    "another issuer": lambda issuer: issuer.token(iss="https://evil.example/"),
    "expired": lambda issuer: issuer.token(exp=NOW_S - 3600),
    "not yet": lambda issuer: issuer.token(nbf=NOW_S + 3600),
    "no end": lambda issuer: issuer.token(exp=None),
    "too long": lambda issuer: issuer.token(padding="x" * 9000),
    "two parts": lambda issuer: issuer.token().rpartition(".")[0],
    "five parts": lambda issuer: f"{issuer.token()}.a.b",
    "two schemes": lambda issuer: f"{issuer.token()} Bearer {issuer.token()}",
    "a list of two": lambda issuer: f"{issuer.token()}, Bearer {issuer.token()}",
    "no JSON": lambda _issuer: "YQ.YQ.YQ",
    "a deep header": lambda _issuer: f"{encoded(b'[' * 3000)}.e30.YQ",
    "a header that is a list": lambda _issuer: f"{encoded(b'[1]')}.e30.YQ",
    "claims that are a list": lambda _issuer: jwt.api_jws.encode(b"[1]", rsa_key(), "RS256", {"kid": "rsa"}),
    "claims that are deep": lambda _issuer: jwt.api_jws.encode(b"[" * 5000, rsa_key(), "RS256", {"kid": "rsa"}),
    "odd letters": lambda issuer: issuer.token() + "=",
    "no token": lambda _issuer: "sk-something",
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_what_is_made_up_is_401(world, attack):
    """With a challenge, nothing of it in the answer or the log, and nobody new in the store."""
    token = ATTACKS[attack](world.issuer)
    answer = await world.as_bearer(token)
    refused(answer, 401, "unauthenticated")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    for part in token.split("."):
        assert len(part) < 8 or part not in answer.text + world.world.log.getvalue()
    assert await world.world.store.list_keys("alpha") == []


async def test_two_headers_are_none(world):
    """Who stands between could count the one, and we the other."""
    import httpx  # noqa: PLC0415 - the helper sends each header once

    token = world.issuer.token()
    headers = [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {world.issuer.token('ec')}")]
    more = [("content-type", "application/json"), ("accept", "application/json, text/event-stream")]
    named = [(name.replace("_", "-"), value) for name, value in LIST[0].items()]
    async with httpx.AsyncClient(transport=httpx.ASGITransport(world.app), base_url="http://localhost") as http:
        answer = await http.post("/mcp", content=LIST[1], headers=[*headers, *more, *named])
    refused(answer, 401, "unauthenticated")


async def test_a_token_beside_a_key_is_refused(world):
    """Which of them counts is nobody's guess."""
    key = await world.world.key()
    answer = await world.send(LIST[1], **LIST[0], authorization=f"Bearer {world.issuer.token()}", x_api_key=key)
    refused(answer, 401, "unauthenticated")


async def test_a_key_is_for_its_own_algorithm(world):
    """Where the issuer says which, no other one of the family is taken with it."""
    world.configure(policy_of(algorithms=frozenset({"RS256", "RS512"})))
    told = [public_jwk(rsa_key(), "rsa", alg="RS256")]
    world.issuer.key_set = lambda: {"keys": told}
    refused(await world.as_bearer(world.issuer.token(algorithm="RS512")), 401, "unauthenticated")
    assert (await world.as_bearer(world.issuer.token())).status_code == 200


async def test_a_flood_of_made_up_keys_does_not_reach_the_issuer(world):
    """It is asked once, and good tokens go on to be good."""
    for number in range(40):
        refused(await world.as_bearer(with_header(world.issuer, kid=f"k{number}")), 401, "unauthenticated")
    assert len(world.issuer.asked) == 1
    assert (await world.as_bearer(world.issuer.token())).status_code == 200


async def test_nothing_is_fetched_for_what_cannot_be_good(world):
    """A stranger's token is looked at before anybody is asked for it."""
    for attack in ("alg none", "HS256 with the public key", "no kid", "too long", "no JSON", "no token"):
        await world.as_bearer(ATTACKS[attack](world.issuer))
    assert world.issuer.asked == []


def test_no_algorithm_with_a_shared_secret_can_be_configured():
    """The policy's own type has none."""
    from gateway_core.domain.oauth import Algorithm  # noqa: PLC0415 - a type, looked into here alone

    names = set(Algorithm.__value__.__args__)
    assert not {name for name in names if name.startswith("HS") or name.lower() == "none"}
    assert isinstance(policy_of(), OAuthPolicy)
    assert policy_of().algorithms <= names
