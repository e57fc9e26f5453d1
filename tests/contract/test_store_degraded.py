"""Requests that the store did not see begin: made while it was away, or answered from the cache."""

from gateway_core.store.messages import Admitted, Refusal, Refused
from tests.contract.desk import candidate, settled

ONE, TWO = candidate("m1", "one"), candidate("m2", "two")


async def test_an_attempt_admitted_without_the_store_is_charged_once(desk):
    """Generation -1 needs no hold, and counts once all the same."""
    ended = settled(Admitted(0, 1, -1, probe=False), ONE, charge_nano=70, latency_ms=20)
    assert await desk.settle("r1", ended)
    assert not await desk.settle("r1", ended)
    assert await desk.money() == (70, 0)
    assert len(await desk.records()) == 1
    assert (await desk.state()).whole_answer.average_ms == 20


async def test_a_hold_of_a_lost_admission_is_settled_with_generation_minus_one(desk):
    """The store did admit, only its answer got lost: the hold is released, and a copy counts nothing."""
    await desk.admitted("r1", ONE)
    ended = settled(Admitted(0, 1, -1, probe=False), ONE, charge_nano=70)
    assert await desk.settle("r1", ended)
    assert not await desk.settle("r1", ended)
    assert await desk.money() == (70, 0)


async def test_a_late_admission_of_a_closed_request_holds_nothing(desk):
    """The copy of an admission that arrives after the request was settled without it is turned away."""
    await desk.settle("r1", settled(Admitted(0, 1, -1, probe=False), ONE, charge_nano=70))
    assert await desk.admit("r1", ONE) == Refused((Refusal(0, "breaker_open", "closed"),))
    assert await desk.money() == (70, 0)


async def test_the_store_comes_back_between_two_attempts(desk):
    """An attempt without the store is charged by `next`, once, and the fallback is held as usual."""
    lost = settled(Admitted(0, 1, -1, probe=False), ONE, "fail", charge_nano=30)
    answer = await desk.next("r1", lost, TWO)
    assert answer == await desk.next("r1", lost, TWO) == Admitted(0, 2, 0, probe=False, serial=1)
    assert await desk.money() == (30, 100)
    assert await desk.settle("r1", settled(answer, TWO, charge_nano=50))
    assert not await desk.settle("r1", settled(answer, TWO, charge_nano=50))
    assert isinstance(await desk.next("r1", lost, TWO), Refused)
    assert await desk.money() == (80, 0)


async def test_a_request_that_lost_the_store_is_remembered_over_later_attempts(desk):
    """Two fallbacks later a copy of the first one's charge still counts nothing."""
    lost = settled(Admitted(0, 1, -1, probe=False), ONE, "fail", charge_nano=30)
    second = settled(await desk.next("r1", lost, TWO), TWO, "fail", charge_nano=20)
    third = await desk.next("r1", second, ONE)
    assert await desk.settle("r1", settled(third, ONE, charge_nano=5))
    assert isinstance(await desk.next("r1", lost, TWO), Refused)
    assert not await desk.settle("r1", lost)
    assert await desk.money() == (55, 0)


async def test_an_attempt_left_open_by_a_request_that_lost_the_store_can_be_settled(desk):
    """The request was closed without it: its money is corrected, and there is no second record."""
    first = settled(await desk.admitted("r1", ONE), ONE, "fail", charge_nano=30)
    assert await desk.settle("r1", settled(Admitted(0, 2, -1, probe=False), TWO, charge_nano=20))
    assert await desk.money() == (20, 100)
    assert not await desk.settle("r1", first)
    assert await desk.money() == (50, 0)
    assert len(await desk.records()) == 1


async def test_a_request_may_lose_the_store_twice(desk):
    """Every attempt that was made without the store is charged, each once."""
    first = settled(Admitted(0, 1, -1, probe=False), ONE, "fail", charge_nano=30)
    await desk.budget(day_nano=1)
    assert isinstance(await desk.next("r1", first, TWO), Refused)
    second = settled(Admitted(0, 2, -1, probe=False), TWO, charge_nano=20)
    assert await desk.settle("r1", second)
    assert not await desk.settle("r1", second)
    assert await desk.money() == (50, 0)
