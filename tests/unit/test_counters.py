"""What one record adds to the day, and under which names."""

from dataclasses import replace

from gateway_core.store.counters import RECONCILED, Counters, Dimension, count, dimensions
from gateway_core.store.messages import Ticket
from tests.contract.desk import NOON, record_of

TICKET = Ticket("r1", "alpha", "key_alpha_1", "", "", NOON)
RECORD = record_of(TICKET)


def test_a_record_counts_as_one_request():
    """With its tokens, its cost and its latency; an error and a cache hit are counted as such."""
    assert count(RECORD) == Counters(1, 0, 0, 6, 4, 70, 900)
    assert count(replace(RECORD, error_code="timeout")).errors == 1
    assert count(replace(RECORD, cache_hit=True)).cache_hits == 1


def test_reconciled_money_is_no_request():
    """It only adds its cost."""
    added = count(replace(RECORD, kind=RECONCILED, error_code="x"))
    assert (added.requests, added.errors, added.cost_nano) == (0, 0, 70)


def test_counters_add_up():
    """Field by field."""
    assert Counters(1, 2, 3, 4, 5, 6, 7) + Counters(1, 1, 1, 1, 1, 1, 1) == Counters(2, 3, 4, 5, 6, 7, 8)


def test_unknown_parties_are_not_counted():
    """Without agent, user and model there is the total, the hour and the key."""
    assert dimensions(replace(RECORD, model=""), "12") == (Dimension(("t", "h12", "k|key_alpha_1")),)


def test_names_cannot_pretend_to_be_others():
    """Separators in names are encoded, and so is the star that stands for the rest."""
    record = replace(RECORD, agent_id="*", user_id="a|b", model="m|x")
    _, agent, user = dimensions(record, "00")
    assert agent == Dimension(("a|%2A", "am|%2A|m%7Cx"), ("a|*", "am|*|m%7Cx"))
    assert user == Dimension(("u|a%7Cb", "um|a%7Cb|m%7Cx"), ("u|*", "um|*|m%7Cx"))


def test_a_party_without_a_model_is_counted_alone():
    """An adjustment has no model."""
    record = replace(RECORD, user_id="bob", model="")
    assert dimensions(record, "00")[1] == Dimension(("u|bob",), ("u|*",))
