"""What cannot be read in the store frees nobody: it is named, and a limit stays a limit."""

from __future__ import annotations

import pytest

from gateway_core.domain.errors import StoreUnreadable
from gateway_core.store.messages import Admitted
from tests.contract.desk import DIGEST, candidate, settled

GARBAGE = ["abc;;;", "1;2", "", "x", "1;2;3;4;5;6;7", "-1;;;", "1e3;;;", "0x10;;;", "inf;;;", "nan;;;", ";;;;"]


@pytest.fixture
def store(upstash):
    """The one that has texts to read."""
    return upstash


@pytest.mark.parametrize("text", GARBAGE)
@pytest.mark.parametrize(("field", "named"), [("b|p", "budget b|p"), ("b|u:bob", "budget b|u:bob")])
async def test_a_budget_that_cannot_be_read_is_not_no_limit(desk, redis, store, field, named, text):
    """Nobody spends under it, and the operator is told which it is."""
    desk.user = "bob"
    await desk.admitted("r1")
    redis.run("HSET", "prj:alpha", field, text)
    for asked in (desk.admit("r2"), desk.lines("p" if field == "b|p" else "u:bob")):
        with pytest.raises(StoreUnreadable) as caught:
            await asked
        assert caught.value.detail == f"unreadable: {named} of prj:alpha"
    assert [hold[0] for hold in await desk.holds()] == ["r1"]


@pytest.mark.parametrize("text", ["x;;;;;", "1;;;;", ";;;;;;", ";;;;x;"])
async def test_a_limit_of_a_key_that_cannot_be_read_is_not_no_limit(desk, redis, store, text):
    """Neither where the key is looked up nor where it is used."""
    field = f"k|{DIGEST}"
    rights = redis.hash("prj:alpha")[field].partition("|")[2]
    redis.run("HSET", "prj:alpha", field, f"{text}|{rights}")
    for asked, what in (
        (store.find_key("alpha", DIGEST), f"key {desk.key_id}"),
        (desk.admit("r1"), f"limits of key {desk.key_id}"),
    ):
        with pytest.raises(StoreUnreadable) as caught:
            await asked
        assert caught.value.detail == f"unreadable: {what}"


@pytest.mark.parametrize(
    ("key", "field", "named"),
    [
        ("bud:alpha:202611", "p|M", "account p|M of bud:alpha:202611"),
        ("bud:alpha:202611", "p|D20", "account p|D20 of bud:alpha:202611"),
        ("bud:alpha:202611", "n", "n of bud:alpha:202611"),
        ("bud:alpha:202611", "s|r2", "s|r2 of bud:alpha:202611"),
        ("pv", "cb|one|m1", "cb|one|m1 of pv"),
        ("pv", "rq|one", "rq|one of pv"),
        ("pv", "tk|one", "tk|one of pv"),
        ("pv", "td|one", "td|one of pv"),
    ],
)
async def test_what_an_admission_cannot_read_is_named(desk, redis, store, key, field, named):
    """The field, never what is in it; and nothing is written."""
    chosen = candidate(rpm=100, tpm=1000)
    await desk.admitted("r1", chosen)
    redis.run("HSET", key, field, "secret;content")
    before = {name: redis.hash(name) for name in ("bud:alpha:202611", "pv")}
    with pytest.raises(StoreUnreadable) as caught:
        await desk.admit("r2", chosen)
    assert caught.value.detail == f"unreadable: {named}"
    assert {name: redis.hash(name) for name in before} == before


async def test_a_hold_that_cannot_be_read_is_not_freed(desk, redis, store):
    """Its settlement is kept for later, and the list of holds says which one it is."""
    chosen = candidate()
    answer = await desk.admitted("r1", chosen)
    redis.run("HSET", "bud:alpha:202611", "h|r1.1", "garbage")
    with pytest.raises(StoreUnreadable, match="cannot be read") as caught:
        await desk.settle("r1", settled(answer, chosen))
    assert caught.value.detail == "unreadable: a hold of request r1"
    with pytest.raises(StoreUnreadable) as listed:
        await desk.holds()
    assert listed.value.detail == "unreadable: hold h|r1.1"
    assert (await desk.money())[1] == 100


async def test_a_report_of_a_provider_that_cannot_be_read_is_replaced_by_the_next(desk, redis, store):
    """It is no money and no right: the deployment is as one that nothing is known of."""
    for text in ("garbage", "1;x;y", "0;0,-1,-1,-1,0,0,0;x"):
        redis.run("HSET", "pv", "rl|one|m1", text)
        assert isinstance(await desk.admit(f"r{text}"), Admitted)
