"""What one record adds to the day, and under which names."""

from dataclasses import replace

import pytest

from gateway_core.store.counters import MONTH, MOST_NAMES, RECONCILED, Counters, Dimension, count, dimensions
from gateway_core.store.messages import Ticket
from tests.contract.desk import NOON, record_of

TICKET = Ticket("r1", "alpha", "key_alpha_1", "", "", NOON)
RECORD = record_of(TICKET)


def named(record):
    """The dimensions of a record but that of all, by their index."""
    return {dimension.index: dimension for dimension in dimensions(record, "20261120", "12")[1:]}


def test_a_record_counts_as_one_request():
    """With its tokens, its cost and its latency; an error and a cache hit are counted as such."""
    assert count(RECORD) == Counters(1, 0, 0, 6, 4, 70, 900, 0, (0, 0, 0, 1))
    failed = count(replace(RECORD, error_code="timeout"))
    assert (failed.errors, failed.successes) == (1, 0)
    assert count(replace(RECORD, cache_hit=True)).cache_hits == 1
    assert count(replace(RECORD, estimated_nano=9)).estimated_nano == 9


def test_reconciled_money_is_no_request():
    """It only adds its cost."""
    added = count(replace(RECORD, kind=RECONCILED, error_code="x"))
    assert (added.requests, added.errors, added.cost_nano, added.latencies) == (0, 0, 70, ())


def test_counters_add_up():
    """Field by field, bucket by bucket."""
    one, other = Counters(1, 2, 3, 4, 5, 6, 7, 8, (1,)), Counters(1, 1, 1, 1, 1, 1, 1, 1, (2, 3))
    assert one + other == other + one == Counters(2, 3, 4, 5, 6, 7, 8, 9, (3, 3))
    assert Counters.of(list(one.vector)) == one
    assert Counters.of([1, 0, 0, 6]) == Counters(1, 0, 0, 6)


@pytest.mark.parametrize(
    ("latencies", "p50", "p95"),
    [((), None, None), ((3,), 100, 100), ((0, 9, 1), 250, 500), ((1, *(0,) * 9, 9), None, None)],
)
def test_latencies_are_bounded_by_their_buckets(latencies, p50, p95):
    """A bucket's upper end, which most have kept; the last one has none."""
    counted = Counters(latencies=latencies)
    assert (counted.latency_at_most_ms(0.5), counted.latency_at_most_ms(0.95)) == (p50, p95)


def test_unknown_parties_are_not_counted():
    """Without agent, user and model there is the total, the hour and the key."""
    record = replace(RECORD, model="", provider="")
    total, day, month = dimensions(record, "20261120", "12")
    assert total == Dimension(("c|20", "c|2012"))
    key = ("key_alpha_1", "*")
    assert day == Dimension(("ck|20|key_alpha_1",), ("ck|20|*",), "i|k|20", *key, MOST_NAMES)
    assert month == Dimension(("ck|M|key_alpha_1",), ("ck|M|*",), "i|k|M", *key, 4 * MOST_NAMES)
    assert (total.kind, day.kind) == ("", "k")


def test_names_cannot_pretend_to_be_others():
    """Separators in names are encoded, and so is the star that stands for the rest."""
    found = named(replace(RECORD, agent_id="*", user_id="a|b", model="m,x"))
    assert found["i|a|20"].fields == ("ca|20|%2A",)
    assert (found["i|am|20"].name, found["i|am|20"].rest_name) == ("%2A|m%2Cx", "*|m%2Cx")
    assert found["i|u|M"].fields == ("cu|M|a%7Cb",)
    assert found["i|um|M"].rest == ("cum|M|*|m%2Cx",)


def test_hours_are_kept_by_model_only():
    """Beside those of all."""
    found = named(replace(RECORD, agent_id="bot"))
    assert found["i|m|20"].fields == ("cm|20|claude", "chm|2012|claude")
    assert found["i|m|20"].rest == ("cm|20|*", "chm|2012|*")
    assert len(found[f"i|m|{MONTH}"].fields) == len(found["i|a|20"].fields) == 1


def test_a_party_without_a_model_is_counted_alone():
    """An adjustment has no model."""
    assert "i|um|20" not in named(replace(RECORD, user_id="bob", model=""))
