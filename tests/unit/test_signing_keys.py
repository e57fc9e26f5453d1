"""An issuer's keys: fetched when needed, and never because a stranger wants it."""

import asyncio

import pytest

from gateway_core.domain.errors import InvalidToken, IssuerUnavailable
from gateway_core.mcp_front.oauth.signing_keys import PAUSE_MS, RETRY_MS, STALE_MS, SigningKeys
from tests.manual_clock import ManualClock
from tests.oauth_issuer import Issuer, ec_key, public_jwk, rsa_key

TTL_S = 3600


@pytest.fixture
def issuer():
    return Issuer()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def keys(issuer, clock):
    return SigningKeys(issuer, "https://issuer.example/jwks", TTL_S, clock)


async def test_keys_are_fetched_once_and_again_when_they_are_old(issuer, clock, keys):
    """As long as is configured."""
    for _ in range(3):
        assert (await keys.find("rsa")).algorithm is not None or (await keys.find("ec"))
    assert issuer.asked == ["https://issuer.example/jwks"]
    clock.advance(TTL_S)
    await keys.find("ec")
    assert len(issuer.asked) == 2


async def test_a_new_key_is_found_at_once(issuer, clock, keys):
    """An issuer may change its keys at any time."""
    await keys.find("rsa")
    clock.advance(PAUSE_MS / 1000)
    issuer.keys = {"new": rsa_key(1)}
    assert await keys.find("new")
    with pytest.raises(InvalidToken):
        await keys.find("rsa")


async def test_made_up_keys_cost_the_issuer_a_request_a_minute(issuer, clock, keys):
    """However many a stranger makes up."""
    await keys.find("rsa")
    for number in range(120):
        with pytest.raises(InvalidToken):
            await keys.find(f"made-up-{number}")
        clock.advance(1)
    assert len(issuer.asked) <= 3
    assert await keys.find("rsa")


async def test_many_at_once_ask_once(issuer, keys):
    """They wait for the same answer."""
    found = await asyncio.gather(*(keys.find("rsa") for _ in range(20)))
    assert len(found) == 20
    assert len(issuer.asked) == 1


async def test_an_issuer_that_is_away_is_503(issuer, clock, keys):
    """Nobody can tell, so nobody is told that his token is wrong; and it is not asked by each who comes."""
    issuer.away = True
    for _ in range(5):
        with pytest.raises(IssuerUnavailable) as caught:
            await keys.find("rsa")
        assert caught.value.retry_after_s == RETRY_MS / 1000
    assert len(issuer.asked) == 1
    issuer.away = False
    clock.advance(RETRY_MS / 1000)
    assert await keys.find("rsa")


async def test_known_keys_go_on_while_the_issuer_is_away(issuer, clock, keys):
    """For an hour; an unknown one is 503 all that time."""
    await keys.find("rsa")
    issuer.away = True
    clock.advance(TTL_S)
    assert await keys.find("rsa")
    with pytest.raises(IssuerUnavailable):
        await keys.find("other")
    clock.advance(STALE_MS / 1000)
    with pytest.raises(IssuerUnavailable):
        await keys.find("rsa")


async def test_only_keys_that_sign_are_taken(issuer, clock):
    """No secret, none for encryption, none that is too short, none without a name."""
    usable = public_jwk(rsa_key(), "good", alg="RS256")
    entries = [
        usable,
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {**public_jwk(rsa_key(), "encrypts"), "use": "enc"},
        public_jwk(rsa_key(0, 1024), "short"),
        {**public_jwk(ec_key(), ""), "kid": 7},
        {**public_jwk(ec_key(), "broken"), "x": "!"},
        {"kid": "empty"},
    ]
    issuer.key_set = lambda: {"keys": entries}
    keys = SigningKeys(issuer, "u", TTL_S, clock)
    assert (await keys.find("good")).algorithm == "RS256"
    for kid in ("secret", "encrypts", "short", "broken", "empty"):
        with pytest.raises(InvalidToken):
            await keys.find(kid)


@pytest.mark.parametrize("answer", [{}, [], {"keys": None}, {"keys": [7]}, "x"])
async def test_what_is_no_key_set_is_503(issuer, keys, answer):
    """The issuer's mistake is not the caller's."""
    issuer.key_set = lambda: answer
    with pytest.raises(IssuerUnavailable):
        await keys.find("rsa")
