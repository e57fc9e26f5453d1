"""Users are as many as callers name: accounts are for those who have a budget."""

import pytest

from gateway_core.store.messages import DEGRADED, Refused
from tests.contract.desk import MONTH, candidate, settled

ONE = candidate()


@pytest.fixture
def bob(desk):
    desk.user = "bob"
    return desk


async def test_a_user_without_a_budget_has_no_account(bob):
    """What it used is in the project's account, and in reports."""
    await bob.call("r1", charge_nano=70)
    failed = settled(await bob.admitted("r2", ONE), ONE, "fail", charge_nano=5)
    answer = await bob.next("r2", failed, candidate("m2", "two"))
    await bob.settle("r2", settled(answer, candidate("m2", "two"), charge_nano=3, unconfirmed=True))
    assert (await bob.money(), await bob.money("u:bob")) == ((78, 97), (0, 0))
    assert (await bob.counters())["cu|20|bob"].requests == 2
    assert "u:bob" not in await bob.store.budget_scopes("alpha", month=MONTH)


async def test_a_budget_counts_from_when_it_is_set(bob):
    """Requests that were admitted before are not its own, whenever they end."""
    early = await bob.admitted("r1", ONE)
    await bob.budget("bob", day_nano=250)
    late = await bob.admitted("r2", ONE)
    assert await bob.money("u:bob") == (0, 100)
    await bob.settle("r1", settled(early, ONE, charge_nano=90))
    assert await bob.money("u:bob") == (0, 100)
    await bob.settle("r2", settled(late, ONE, charge_nano=80))
    assert await bob.money("u:bob") == (80, 0)
    assert await bob.money() == (170, 0)


async def test_a_budget_holds(bob):
    """It is a limit like any other."""
    await bob.budget("bob", day_nano=150)
    await bob.admitted("r1", ONE)
    assert isinstance(await bob.admit("r2", ONE), Refused)


async def test_a_budget_that_is_lifted_still_counts_for_its_month(bob):
    """It may come back, and what was held has to be released."""
    await bob.budget("bob", day_nano=1000)
    answer = await bob.admitted("r1", ONE)
    await bob.budget("bob")
    later = await bob.admitted("r2", ONE)
    assert await bob.money("u:bob") == (0, 200)
    for request_id, admitted in (("r1", answer), ("r2", later)):
        await bob.settle(request_id, settled(admitted, ONE, charge_nano=10))
    assert await bob.money("u:bob") == (20, 0)


@pytest.mark.parametrize(("has_budget", "spent"), [(True, 30), (False, 0)])
async def test_what_was_admitted_without_the_store_counts_for_whom_it_knows(bob, has_budget, spent):
    """A user with an account; who has none had no budget either, or would not have been served."""
    if has_budget:
        await bob.budget("bob", day_nano=1000)
        await bob.call("r0")
    ended = settled(await bob.admitted("other", ONE), ONE, charge_nano=30, generation=DEGRADED)
    assert await bob.settle("r1", ended)
    assert (await bob.money("u:bob"))[0] == spent


async def test_an_operator_releases_what_is_held_of_a_user(bob):
    """From its account, if it is held there, too."""
    for number, has_budget in enumerate((False, True)):
        if has_budget:
            await bob.budget("bob", day_nano=1000)
        await bob.admitted(f"r{number}", ONE)
    for number in range(2):
        name = {"month": MONTH, "request_id": f"r{number}", "attempt": 1}
        assert await bob.store.resolve_hold("alpha", **name, charge_nano=20, charge_tokens=0, now_ms=bob.now)
    assert (await bob.money(), await bob.money("u:bob")) == ((40, 0), (20, 0))
