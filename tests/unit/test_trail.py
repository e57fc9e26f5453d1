"""Names of requests that tell their moment, and attempts as records keep them."""

import pytest

from gateway_core.domain.request_ids import made_ms, new_request_id
from gateway_core.domain.result import Attempt
from gateway_core.store.messages import Ticket
from gateway_core.store.trail import MOST_KEPT, packed, trail_of
from tests.contract.desk import DIGEST, NOON, record_of

FAILED = Attempt("groq/a, b", "one", "failed", "rate_limited", 180)
SKIPPED = Attempt("m2", "two", "skipped", "breaker_open")
OK = Attempt("m3", "three", "ok", None, 700)


def record(**changes):
    return record_of(Ticket("r1", "alpha", "key", DIGEST, "tag", NOON), **changes)


def told(attempt):
    return {
        "model": attempt.model,
        "provider": attempt.provider,
        "outcome": attempt.outcome,
        "error_code": attempt.error_code,
        "latency_ms": attempt.latency_ms,
    }


@pytest.mark.parametrize("suffix", ["", "-17", "-r1.2"])
def test_a_name_tells_when_it_was_made(suffix):
    """Also that of a question of a batch; two of one moment differ."""
    names = {new_request_id(NOON) for _ in range(2)}
    assert len(names) == 2
    assert {(made_ms(name + suffix), len(name)) for name in names} == {(NOON, 36)}
    assert abs((made_ms(new_request_id()) or 0) - NOON) < 10**12


@pytest.mark.parametrize("name", ["", "req_1", "job_" + "0" * 32, "req_" + "g" * 32, "req_" + "0" * 33])
def test_other_names_tell_nothing(name):
    """Least of all a moment that nobody meant."""
    assert made_ms(name) is None


def test_what_was_tried_is_what_is_told():
    """In order, whatever characters a name has."""
    tried = [FAILED, SKIPPED, OK]
    assert trail_of(record(attempts=2, tried=packed(tried))) == [told(each) for each in tried]
    assert trail_of(record(attempts=0, tried=packed([SKIPPED]))) == [told(SKIPPED)]
    assert len(trail_of(record(tried=packed([FAILED] * 40)))) == MOST_KEPT


@pytest.mark.parametrize(
    ("attempt", "changes"),
    [(OK, {}), (Attempt("m3", "three", "failed", "provider_error", 700), {"error_code": "provider_error"})],
)
def test_a_single_attempt_is_in_the_record_already(attempt, changes):
    """It takes no room."""
    assert packed([attempt]) == ""
    found = trail_of(record(model="m3", provider="three", latency_ms=700, **changes))
    assert found == [told(attempt)]


def test_of_earlier_releases_the_last_attempt_is_known():
    """Not for how long it was under way. A hit and a correction have none."""
    (last,) = trail_of(record(attempts=3))
    assert (last["model"], last["outcome"], last["latency_ms"]) == ("claude", "ok", None)
    assert trail_of(record(attempts=0)) == []


@pytest.mark.parametrize("text", ["a,b", "a,b,ok,,soon", "a,b,ok,,1,more"])
def test_what_a_newer_release_wrote_is_left_out(text):
    """Rather than told wrongly."""
    assert trail_of(record(attempts=2, tried=f"{text} {packed([FAILED, OK])}")) == [told(FAILED), told(OK)]
