"""What a request costs in CPU, beside a yardstick: a ratio, which holds on slow machines and on busy ones."""

from benchmarks.guard import MOST_ROUNDS, ROUNDS, excesses, guarded_worker, ratios


def test_a_request_costs_no_more_than_it_did():
    """Twice as much is noticed, half as much again on most machines; what else the machine does is not."""
    with guarded_worker() as one:
        assert excesses(ratios(one, ROUNDS, MOST_ROUNDS)) == []
