"""Where probes put what they found, in every store."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.upstash import layout
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.domain.times import LATEST_MS
from gateway_core.store.probes import KEPT_MS, Probe
from tests.contract.desk import candidate, settled

FOUND = (
    Probe("one", "ok", 31, 1_000, 2_000, {"m1": True, "größer": False}),
    Probe("two", "not_configured", None, 1_000, 2_000),
)
PAIRS = [("one", "m1"), ("two", "m2"), ("one", "m3")]


def answers(redis):
    """How many answers the store has given, this one included."""
    return int(redis.http.post("/", json=["PING"]).headers["upstash-sync-token"].partition("=")[2])


async def test_a_fresh_store_knows_no_probe(store):
    """But answers for every deployment that is asked for, in that order."""
    fleet = await store.fleet_health(PAIRS)
    assert fleet.probes == ()
    assert [(state.provider, state.deployment_id, state.state) for state in fleet.states] == [
        (*pair, "closed") for pair in PAIRS
    ]


async def test_what_was_posted_is_read_whole(store):
    """Stale or not: that is for the reader to say. Posting it twice changes nothing."""
    for _ in range(2):
        await store.post_probes(FOUND, kept_ms=KEPT_MS)
        assert (await store.fleet_health(PAIRS)).probes == FOUND
    assert (await store.fleet_health([])).states == ()


async def test_a_round_replaces_the_one_before(store):
    """A provider that is probed no more leaves nothing behind."""
    await store.post_probes(FOUND, kept_ms=KEPT_MS)
    newer = replace(FOUND[1], status="ok", checked_ms=5_000)
    await store.post_probes([newer], kept_ms=KEPT_MS)
    assert (await store.fleet_health(PAIRS)).probes == (newer,)


async def test_probes_move_no_breaker(desk):
    """Only traffic does: the states are the same before and after, whatever was found."""
    one = candidate("m1", "one")
    await desk.settle("r1", settled(await desk.admitted("r1", one), one, "fail"))
    before = await desk.store.fleet_health([("one", "m1")], desk.project)
    await desk.store.post_probes([replace(FOUND[0], status="unavailable")], kept_ms=KEPT_MS)
    after = await desk.store.fleet_health([("one", "m1")], desk.project)
    assert after.states == before.states
    assert after.states[0].failures == 1


async def test_results_are_forgotten_in_the_end(redis, upstash):
    """The key has a time to live."""
    await upstash.post_probes(FOUND, kept_ms=90_000)
    assert 0 < redis.run("PTTL", layout.PROBES) <= 90_000


async def test_all_is_read_in_one_trip(redis, upstash):
    """And written in one."""
    begin = answers(redis)
    await upstash.post_probes(FOUND, kept_ms=KEPT_MS)
    between = answers(redis)
    await upstash.fleet_health(PAIRS)
    assert (between - begin, answers(redis) - between) == (2, 2)


@given(
    st.lists(
        st.builds(
            Probe,
            provider=st.text(min_size=1),
            status=st.sampled_from(["ok", "timeout"]),
            latency_ms=st.none() | st.integers(0, 10**6),
            checked_ms=st.integers(0, LATEST_MS),
            fresh_until_ms=st.integers(0, 2**53),
            listed=st.dictionaries(st.text(), st.booleans()),
        )
    )
)
def test_the_format_loses_nothing(probes):
    """Whatever the names are."""
    assert layout.parse_probes(layout.pack_probes(probes)) == tuple(probes)


async def test_a_store_that_is_away_is_not_an_empty_one(redis, upstash):
    """Neither reading nor writing passes over it."""
    redis.fail("crash", times=4)
    with pytest.raises(StoreUnavailable):
        await upstash.fleet_health(PAIRS)
    with pytest.raises(StoreUnavailable):
        await upstash.post_probes(FOUND, kept_ms=KEPT_MS)
