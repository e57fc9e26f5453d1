"""Who calls, also while the store is away."""

from dataclasses import replace

import pytest

from gateway_core.access import authenticator as module
from gateway_core.access.authenticator import Authenticator
from gateway_core.adapters.memory import MemoryStore
from gateway_core.domain.errors import StoreUnavailable, Unauthenticated
from gateway_core.domain.times import iso
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key
from tests.manual_clock import ManualClock


class Flaky(MemoryStore):
    """A store that can be away, and counts who asks it."""

    def __init__(self):
        super().__init__()
        self.away = False
        self.asked = 0

    async def find_key(self, project_id, digest):
        self.asked += 1
        if self.away:
            raise StoreUnavailable("The store is away.")
        return await super().find_key(project_id, digest)


@pytest.fixture
async def known():
    """A store with one key, an authenticator and a clock."""
    store, clock = Flaky(), ManualClock()
    key = new_key("alpha")
    await store.put_key(KeyRecord("alpha", digest_of(key), user_id="ada", groups=("fast",)))
    return store, clock, Authenticator(store, clock), key


async def test_a_caller_has_the_keys_rights(known):
    """Project, user, groups."""
    _store, _clock, authenticator, key = known
    caller = await authenticator.authenticate(key)
    assert (caller.project_id, caller.user_id, caller.groups) == ("alpha", "ada", frozenset({"fast"}))


async def test_callers_are_remembered_for_30_seconds(known):
    """One look-up, then another when the time is over."""
    store, clock, authenticator, key = known
    for _ in range(3):
        await authenticator.authenticate(key)
    assert store.asked == 1
    clock.advance(30)
    await authenticator.authenticate(key)
    assert store.asked == 2


async def test_the_store_may_be_away_for_15_minutes(known):
    """A known caller is honoured until then; after it nobody can tell."""
    store, clock, authenticator, key = known
    await authenticator.authenticate(key)
    store.away = True
    clock.advance(15 * 60 - 1)
    assert (await authenticator.authenticate(key)).project_id == "alpha"
    clock.advance(1)
    with pytest.raises(StoreUnavailable):
        await authenticator.authenticate(key)


async def test_a_stranger_gets_503_not_401_while_the_store_is_away(known):
    """It may well be a good key."""
    store, _clock, authenticator, _key = known
    store.away = True
    with pytest.raises(StoreUnavailable):
        await authenticator.authenticate(new_key("alpha"))


@pytest.mark.parametrize(
    "key", ["", "gk_", "gk_alpha_", "sk-x", "gk_Alpha_x", "gk_a b_x", "gk_alpha_x\n", "gk_alpha_ü"]
)
async def test_what_is_no_key_is_not_looked_up(known, key):
    """Malformed keys cost no trip."""
    store, _clock, authenticator, _key = known
    with pytest.raises(Unauthenticated, match="malformed"):
        await authenticator.authenticate(key)
    assert store.asked == 0


async def test_unknown_and_revoked_keys(known):
    """401, with the same text."""
    store, clock, authenticator, key = known
    with pytest.raises(Unauthenticated, match="unknown or revoked"):
        await authenticator.authenticate(new_key("alpha"))
    caller = await authenticator.authenticate(key)
    await store.revoke_key(caller.key_id, now_ms=clock.now_ms())
    with pytest.raises(Unauthenticated, match="unknown or revoked"):
        await authenticator.refresh(caller)
    with pytest.raises(Unauthenticated):
        await authenticator.authenticate(key)


async def test_memory_is_bounded(known, monkeypatch):
    """The longest unseen callers are forgotten first."""
    monkeypatch.setattr(module, "MOST_CALLERS", 20)
    store, _clock, authenticator, key = known
    await authenticator.authenticate(key)
    for number in range(20):
        other = f"gk_alpha_{number:032}"
        await store.put_key(KeyRecord("alpha", digest_of(other)))
        await authenticator.authenticate(other)
    asked = store.asked
    await authenticator.authenticate(key)
    assert store.asked == asked + 1


async def test_a_key_ends_at_its_moment_also_where_it_is_remembered(known):
    """Who is refused learns which end it was, and when; of a secret that was replaced nobody is asked."""
    store, clock, authenticator, _key = known
    end = clock.now_ms() + 1000
    ends = {"expires": {"expires_ms": end}, "replaced": {"expires_ms": end + 1, "replaced_ms": end}}
    keys = {said: new_key("alpha") for said in ends}
    for said, key in keys.items():
        await store.put_key(KeyRecord("alpha", digest_of(key), **ends[said]))
        await authenticator.authenticate(key)
        assert authenticator.known(key)
    asked = store.asked
    clock.advance(1)
    for said, key in keys.items():
        with pytest.raises(Unauthenticated, match=rf"{said[:6]}.*{iso(end)[:-1]}"):
            await authenticator.authenticate(key)
    with pytest.raises(Unauthenticated):
        authenticator.known(keys["replaced"])
    assert store.asked == asked + 1


@pytest.mark.parametrize(
    ("change", "said"),
    [({"expires_ms": None}, None), ({"revoked_ms": 1}, "revoked")],
    ids=["its end is put off", "it is revoked"],
)
async def test_what_becomes_of_an_expired_key_counts_at_once(known, change, said):
    """It is refused for what it is now, not for an end that is remembered; that one counts while the store is away."""
    store, clock, authenticator, _key = known
    key = new_key("alpha")
    record = KeyRecord("alpha", digest_of(key), expires_ms=clock.now_ms() + 1)
    await store.put_key(record)
    await authenticator.authenticate(key)
    clock.advance(1)
    store.away = True
    with pytest.raises(Unauthenticated, match="expired"):
        await authenticator.authenticate(key)
    store.away = False
    await store.put_key(replace(record, **change))
    assert authenticator.known(key) is None
    if said is None:
        assert (await authenticator.authenticate(key)).digest == record.digest
    else:
        with pytest.raises(Unauthenticated, match=said):
            await authenticator.authenticate(key)
