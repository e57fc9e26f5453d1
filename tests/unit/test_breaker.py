"""The circuit breaker's model: what every answer does to it, and what no history may do."""

from hypothesis import given
from hypothesis import strategies as st

from gateway_core.store.breaker import MOST_AHEAD_MS, Breaker, Effect, admit, believed, closed_for_ms, settle
from gateway_core.store.messages import BreakerPolicy

POLICY = BreakerPolicy(failures=3, window_ms=60, cooldown_ms=30, max_cooldown_ms=100, lease_ms=20)

breakers = st.builds(
    Breaker,
    state=st.sampled_from(["closed", "open", "half_open"]),
    failures=st.integers(0, 5),
    since_ms=st.integers(0, 300),
    until_ms=st.integers(0, 300),
    generation=st.integers(0, 3),
    trips=st.integers(0, 40),
)
effects = st.builds(
    Effect,
    kind=st.sampled_from(["ok", "fail", "limit", "skip"]),
    generation=st.integers(-1, 3),
    probe=st.booleans(),
    retry_after_ms=st.sampled_from([0, 1, 500]),
)
moments = st.integers(0, 400)
MOMENT = 1_795_176_000_000


def fail(breaker, now_ms, *, probe=False):
    return settle(breaker, Effect("fail", breaker.generation, probe), now_ms, POLICY)


def tripped(now_ms=0):
    breaker = Breaker()
    for _ in range(POLICY.failures):
        breaker = fail(breaker, now_ms)
    return breaker


def test_failures_in_a_row_open_it():
    """The third of three trips, and not the second."""
    assert fail(fail(Breaker(), 0), 1).state == "closed"
    assert tripped(now_ms=5) == Breaker("open", 3, 5, 35, 1, 1)


def test_a_success_between_failures_starts_anew():
    """In a row means in a row."""
    breaker = settle(fail(fail(Breaker(), 0), 0), Effect("ok", 0, probe=False), 0, POLICY)
    assert breaker == Breaker()


def test_an_old_failure_does_not_count():
    """The run begins anew with a failure that comes after the window of its first."""
    assert fail(fail(fail(Breaker(), 0), 10), 61) == Breaker("closed", 1, 61)


def test_the_first_request_after_the_rest_is_the_probe():
    """It takes the lease; everybody else waits for its end."""
    probing = admit(tripped(), 30, POLICY)
    assert probing == Breaker("half_open", 3, 30, 50, 2, 1)
    assert [closed_for_ms(probing, at) for at in (30, 49, 50, 99)] == [20, 1, 0, 0]


def test_a_closed_one_lets_pass_unchanged():
    """Passing leaves no trace."""
    assert admit(Breaker(), 7, POLICY) == Breaker()
    assert closed_for_ms(Breaker(), 7) == 0


def test_the_probes_success_closes():
    """Everything is forgotten but the generation."""
    probing = admit(tripped(), 30, POLICY)
    assert settle(probing, Effect("ok", 2, probe=True), 31, POLICY) == Breaker(generation=3)


def test_each_failed_probe_doubles_the_rest():
    """30, 60, then the cap of 100."""
    breaker, rests = tripped(), []
    for _ in range(3):
        breaker = fail(admit(breaker, breaker.until_ms, POLICY), breaker.until_ms, probe=True)
        rests.append(breaker.until_ms)
    assert [b - a for a, b in zip([30, *rests], rests, strict=False)] == [60, 100, 100]


def test_a_probe_that_proves_nothing_hands_on():
    """The lease ends at once, for the next request to take."""
    probing = admit(tripped(), 30, POLICY)
    assert closed_for_ms(settle(probing, Effect("skip", 2, probe=True), 31, POLICY), 31) == 0


def test_a_named_end_opens_whatever_the_generation():
    """It is no trip, it extends an open state only later, and it ends a probe's say."""
    limited = settle(Breaker(), Effect("limit", -1, probe=False, retry_after_ms=40), 0, POLICY)
    assert limited == Breaker("open", until_ms=40, generation=1)
    assert settle(limited, Effect("limit", 0, probe=False, retry_after_ms=10), 0, POLICY) == limited
    probing = admit(limited, 40, POLICY)
    again = settle(probing, Effect("limit", 0, probe=False, retry_after_ms=5), 41, POLICY)
    assert settle(again, Effect("ok", probing.generation, probe=True), 42, POLICY) == again


def test_a_limit_without_an_end_is_a_failure():
    """Like any other."""
    assert settle(Breaker(), Effect("limit", 0, probe=False), 9, POLICY) == fail(Breaker(), 9)


@given(breakers, effects, moments)
def test_an_answer_of_another_generation_changes_nothing(breaker, effect, now_ms):
    """But for a limit with a known end."""
    stale = effect.generation != breaker.generation and not (effect.kind == "limit" and effect.retry_after_ms)
    assert not stale or settle(breaker, effect, now_ms, POLICY) == breaker


@given(breakers, effects, moments)
def test_the_rest_of_an_open_one_only_grows(breaker, effect, now_ms):
    """No answer reopens the road before its time, and the generation never goes back."""
    after = settle(breaker, effect, now_ms, POLICY)
    assert after.generation >= breaker.generation
    assert breaker.state != "open" or (after.state == "open" and after.until_ms >= breaker.until_ms)


@given(breakers, effects, moments)
def test_no_rest_is_longer_than_the_cap_or_the_providers_word(breaker, effect, now_ms):
    """However often it tripped."""
    after = settle(breaker, effect, now_ms, POLICY)
    opened = after.state == "open" and breaker.state != "open"
    assert not opened or after.until_ms - now_ms <= max(POLICY.max_cooldown_ms, effect.retry_after_ms)


@given(breakers, effects, moments)
def test_only_the_probe_of_the_generation_closes(breaker, effect, now_ms):
    """Nothing else leads back to closed."""
    closes = breaker.state != "closed" and settle(breaker, effect, now_ms, POLICY).state == "closed"
    proof = Effect("ok", breaker.generation, probe=True, retry_after_ms=effect.retry_after_ms)
    assert not closes or (breaker.state, effect) == ("half_open", proof)


@given(breakers, moments)
def test_an_honest_breaker_is_believed(breaker, now_ms):
    """Neither a cool-down under way nor one that is over looks like a wrong clock."""
    assert believed(breaker, now_ms) == breaker


@given(st.integers(120_001, 10**9), st.integers(0, 5), st.booleans())
def test_what_a_wrong_clock_opened_rests_from_now(ahead_ms, skips, probing):
    """Its cool-down, its lease and its provider's word count from the moment at which somebody looks."""
    wrong = MOMENT + ahead_ms
    opened = tripped(now_ms=wrong)
    for _ in range(skips):
        opened = fail(admit(opened, opened.until_ms, POLICY), opened.until_ms, probe=True)
    opened = admit(opened, wrong, POLICY, 7) if probing else opened
    rests_ms = opened.until_ms - opened.since_ms
    found = believed(opened, MOMENT)
    assert (found.since_ms, closed_for_ms(found, MOMENT)) == (MOMENT, rests_ms)
    assert believed(found, MOMENT) == found
    limited = settle(Breaker(), Effect("limit", 0, probe=False, retry_after_ms=40), wrong, POLICY)
    assert closed_for_ms(believed(limited, MOMENT), MOMENT) == 40


def test_nothing_rests_for_more_than_a_day():
    """Whoever wrote it."""
    found = believed(Breaker("open", 3, 0, MOMENT + 10**12, 1, 1), MOMENT)
    assert closed_for_ms(found, MOMENT) == MOST_AHEAD_MS
