"""Which of several candidates a store admits, and what it says of the others."""

import pytest

from gateway_core.store.budget import MAX_AMOUNT
from gateway_core.store.messages import Admitted, Refusal, Refused, Shortage
from tests.contract.desk import candidate, settled

OPEN_MS = 30_000


async def break_down(desk, deployment="m1", provider="one"):
    """Five failures in a row."""
    for i in range(5):
        await desk.call(f"{deployment}-{i}", "fail", candidate(deployment, provider, nano=0, tokens=0))


async def fill(desk, chosen):
    """Take the one slot that its limit of one request a minute gives."""
    await desk.admitted(f"fill-{chosen.deployment_id}", chosen)


async def test_a_broken_candidate_is_passed_over(desk):
    """The first that can start at once is taken, and says whom it was preferred to."""
    await break_down(desk)
    answer = await desk.admit("r1", candidate("m1"), candidate("m2", "two"), candidate("m3", "three"))
    assert answer == Admitted(1, 1, 0, probe=False, passed_over=(Refusal(0, "breaker_open", "", OPEN_MS),), serial=6)


async def test_one_that_would_have_to_wait_is_passed_over_for_one_that_need_not(desk):
    """Fail over first, wait later."""
    slow = candidate("m1", "one", rpm=1)
    await fill(desk, slow)
    answer = await desk.admit("r1", slow, candidate("m2", "two"), wait=60_000)
    assert answer == Admitted(1, 1, 0, probe=False, passed_over=(Refusal(0, "rate", "provider:rpm", 60_000),), serial=2)


async def test_the_shortest_wait_wins_when_all_must_wait(desk):
    """Its slot is booked, and the answer tells of those around it."""
    slow, slower = candidate("m1", "one", rpm=1), candidate("m2", "two", rpm=2)
    await fill(desk, slow)
    for i in range(2):
        await desk.admitted(f"fill-{i}", slower)
    await break_down(desk, "m3", "three")
    answer = await desk.admit("r1", slow, slower, candidate("m3", "three"), wait=60_000)
    others = (Refusal(0, "rate", "provider:rpm", 60_000), Refusal(2, "breaker_open", "", OPEN_MS))
    assert answer == Admitted(1, 1, 0, probe=False, wait_ms=30_000, passed_over=others, serial=9)


async def test_only_the_chosen_candidate_is_booked(desk):
    """Nothing is taken from the limits of those passed over, nor from the budget for them."""
    first, second = candidate("m1", "one", rpm=1), candidate("m2", "two", rpm=1)
    await desk.admitted("r1", first, second)
    assert await desk.admit("r2", second) == Admitted(0, 1, 0, probe=False, serial=2)
    assert await desk.money() == (0, 200)


async def test_a_refusal_tells_of_every_candidate(desk):
    """One reason each; the one to report is money before rate before a broken deployment."""
    await break_down(desk)
    slow = candidate("m2", "two", rpm=1)
    await fill(desk, slow)
    await desk.budget(day_nano=1000)
    answer = await desk.admit("r1", candidate("m1"), slow, candidate("m3", "three", nano=901))
    assert answer == Refused(
        (
            Refusal(0, "breaker_open", "", OPEN_MS),
            Refusal(1, "rate", "provider:rpm", 60_000),
            Refusal(2, "budget", "p:day_nano", 0, Shortage(1000, 900, 100, 900, MAX_AMOUNT - 10)),
        )
    )
    assert answer.main == answer.refusals[2]


async def test_a_candidate_with_several_reasons_reports_the_first_of_the_order(desk):
    """Where money is missing too, waiting would not help: the broken and limited candidate says `budget`."""
    broken = candidate("m1", "one", rpm=1)
    await break_down(desk)
    await fill_while_broken(desk, broken)
    assert await desk.admit("r1", broken) == Refused((Refusal(0, "rate", "provider:rpm", 60_000),))
    await desk.budget(day_nano=50)
    short = Shortage(50, 50, 0, 50, MAX_AMOUNT - 10)
    assert await desk.admit("r1", broken) == Refused((Refusal(0, "budget", "p:day_nano", 0, short),))


async def fill_while_broken(desk, chosen):
    """Another model of the provider takes its slot."""
    await desk.admitted("fill", candidate("m9", chosen.provider, rpm=chosen.rpm, nano=0))


async def test_a_fallback_is_judged_after_its_predecessor_was_settled(desk):
    """What the failed attempt gives back, the next one may use in the same step."""
    await desk.budget(day_nano=130)
    first = candidate("m1", "one", tokens=1000, tpm=1000)
    ended = settled(await desk.admitted("r1", first), first, "fail", charge_nano=30)
    second = candidate("m2", "one", tokens=1000, tpm=1000)
    assert await desk.next("r1", ended, second) == Admitted(0, 2, 0, probe=False, limited=True, serial=2)


@pytest.mark.parametrize(
    ("limit", "scope"),
    [
        ({"day_nano": 150}, "day_nano"),
        ({"month_nano": 150}, "month_nano"),
        ({"day_tokens": 15}, "day_tokens"),
        ({"month_tokens": 15}, "month_tokens"),
    ],
)
@pytest.mark.parametrize("owner", ["p", "k", "u"])
async def test_every_budget_of_every_scope_is_hard(desk, limit, scope, owner):
    """Project, key and user; day and month; money and tokens: what does not fit is refused by its name."""
    desk.user = "bob@example.com; drop|table,x"
    if owner == "k":
        await desk.open(**limit)
    else:
        await desk.budget(desk.user if owner == "u" else "", **limit)
    await desk.admitted("r1")
    name = {"p": "p", "k": f"k:{desk.key_id}", "u": f"u:{desk.user}"}[owner]
    of_tokens, of_money = (15, 5, 10, MAX_AMOUNT - 100, 5), (150, 50, 100, 50, MAX_AMOUNT - 10)
    short = Shortage(*(of_tokens if scope.endswith("tokens") else of_money))
    assert await desk.admit("r2") == Refused((Refusal(0, "budget", f"{name}:{scope}", 0, short),))


async def test_what_fits_exactly_is_admitted(desk):
    """The limit itself may be spent."""
    await desk.budget(day_nano=200, day_tokens=20)
    await desk.call("r1", charge_nano=100, charge_tokens=10)
    assert isinstance(await desk.admit("r2"), Admitted)


async def test_a_budget_of_nothing_admits_only_what_is_free(desk):
    """0 is a limit; only a limit that is not set is none."""
    await desk.budget(day_nano=0)
    assert isinstance(await desk.admit("r1", candidate(nano=1)), Refused)
    assert isinstance(await desk.admit("r1", candidate(nano=0)), Admitted)


async def test_without_limits_the_books_stop_where_redis_stops_counting(desk):
    """Sums beyond 2^53 would be wrong: they are refused like any other limit."""
    await desk.admitted("r1", candidate(nano=2**53 - 1))
    assert isinstance(await desk.admit("r2", candidate(nano=1)), Refused)
