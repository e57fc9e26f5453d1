"""The sealed identity: nobody can make one, change one, or use an old one."""

import base64
import json

import pytest

from gateway_core.access.internal_identity import LIFE_MS, IdentitySeal, InternalIdentity, pack_grant, parse_grant
from gateway_core.domain.caller import Grant
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import Unauthenticated

SEAL = IdentitySeal(Secret("the store's token"))
GRANT = Grant(frozenset({"fast"}), frozenset(), None, admin=True)
IDENTITY = InternalIdentity("alpha", "j|iss|ann", "ann", GRANT)
NOW = 1_795_190_400_000


def test_what_was_sealed_is_read():
    """With every right as it was: nothing, and no word about it, are two things."""
    assert SEAL.open(SEAL.seal(IDENTITY, NOW), NOW) == IDENTITY
    assert SEAL.seal(IDENTITY, NOW) != SEAL.seal(IDENTITY, NOW)
    assert "token" not in base64.urlsafe_b64decode(SEAL.seal(IDENTITY, NOW).partition(".")[0] + "==").decode()


@pytest.mark.parametrize("age_ms", [LIFE_MS, LIFE_MS + 1, -10_001])
def test_an_old_one_is_refused(age_ms):
    """After a minute, and from a clock that is far ahead."""
    sealed = SEAL.seal(IDENTITY, NOW)
    with pytest.raises(Unauthenticated):
        SEAL.open(sealed, NOW + age_ms)
    assert SEAL.open(sealed, NOW + LIFE_MS - 1) == SEAL.open(sealed, NOW - 10_000) == IDENTITY


def test_another_secret_makes_none():
    """Whoever may invoke a function, but cannot read the store's token, can name nobody."""
    with pytest.raises(Unauthenticated):
        SEAL.open(IdentitySeal(Secret("another token")).seal(IDENTITY, NOW), NOW)


def test_a_changed_one_is_refused():
    """By any of its characters."""
    sealed = SEAL.seal(IDENTITY, NOW)
    for place, letter in enumerate(sealed):
        changed = sealed[:place] + ("B" if letter == "A" else "A") + sealed[place + 1 :]
        with pytest.raises(Unauthenticated):
            SEAL.open(changed, NOW)


def test_another_body_under_the_same_seal_is_refused():
    """Such as one that names an administrator."""
    body, _, signature = SEAL.seal(IDENTITY, NOW).partition(".")
    facts = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = base64.urlsafe_b64encode(json.dumps({**facts, "project": "beta"}).encode()).decode().rstrip("=")
    with pytest.raises(Unauthenticated):
        SEAL.open(f"{other}.{signature}", NOW)


def test_what_is_sealed_but_cannot_be_read_is_refused():
    """A release to come may seal something else."""
    odd = InternalIdentity("alpha", "d", "ann", Grant(admin="yes"))
    with pytest.raises(Unauthenticated):
        SEAL.open(SEAL.seal(odd, NOW), NOW)


@pytest.mark.parametrize("text", ["", ".", "a.b", "é.é", "....", "none"])
def test_nonsense_is_refused(text):
    """Without a trace."""
    with pytest.raises(Unauthenticated):
        SEAL.open(text, NOW)


@pytest.mark.parametrize("grant", [None, Grant(), GRANT, Grant(models=frozenset({"a/*"}))])
def test_a_grant_is_kept_as_text(grant):
    """For a job, which may be worked on long after its token is over."""
    assert parse_grant(pack_grant(grant)) == grant
