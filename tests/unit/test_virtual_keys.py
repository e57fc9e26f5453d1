"""Keys: their form, their digest, and the tag that names their rights."""

from dataclasses import replace

import pytest

from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Unauthenticated
from gateway_core.store.messages import Refusal, Refused, Ticket
from gateway_core.store.virtual_keys import (
    KeyRecord,
    digest_of,
    new_key,
    project_of,
    project_of_key_id,
    rights_json,
    rights_tag,
    with_rights,
)

RECORD = KeyRecord(
    project_id="alpha",
    digest="ab" * 32,
    user_id="bob",
    admin=True,
    groups=("fast",),
    tools=("ask",),
    api_base_hosts=("host",),
    limits=Limits(rpm=1),
    created_ms=5,
)


def test_a_new_key_names_its_project_and_nothing_else():
    """Two keys differ, and the digest is all that is needed to know one again."""
    one, other = new_key("alpha"), new_key("alpha")
    assert project_of(one) == "alpha"
    assert one != other
    assert len(digest_of(one)) == 64


@pytest.mark.parametrize("key", ["", "sk-123", "gk_alpha", "gk_Alpha_x", "gk_a_b\n", "gk__x", f"gk_{'a' * 33}_x"])
def test_what_is_not_shaped_like_a_key_is_refused(key):
    """Before any lookup."""
    with pytest.raises(Unauthenticated):
        project_of(key)


def test_the_public_id_leads_back_to_the_project():
    """And only a real id does."""
    assert RECORD.id == "key_alpha_abababababababab"
    assert project_of_key_id(RECORD.id) == "alpha"
    assert project_of_key_id("key_alpha_xyz") is None


@pytest.mark.parametrize(
    "changes", [{}, {"revoked_ms": 8}, {"of": "ab" * 8, "issued_ms": 6, "replaced_ms": 7, "revoked_ms": 8}]
)
def test_rights_come_back_from_what_is_stored(changes):
    """The record is whole again, and tagged: that of a later secret as well, with each of its moments."""
    record = replace(RECORD, **changes)
    text = rights_json(record)
    assert with_rights("alpha", record.digest, record.limits, text) == replace(record, rights_tag=rights_tag(text))


@pytest.mark.parametrize("change", [{"revoked_ms": 6}, {"groups": ()}, {"admin": False}, {"user_id": ""}])
def test_every_right_changes_the_tag(change):
    """A cached caller with other rights is found out."""
    assert rights_tag(rights_json(replace(RECORD, **change))) != rights_tag(rights_json(RECORD))


def test_a_caller_has_the_keys_rights():
    """As sets, because order means nothing."""
    caller = RECORD.caller()
    assert (caller.key_id, caller.groups, caller.admin, caller.user_id) == (RECORD.id, {"fast"}, True, "bob")


def test_a_ticket_freezes_its_day_month_and_hour():
    """In UTC."""
    ticket = Ticket("r", "alpha", "k1", "", "", 1_796_083_170_000)
    assert (ticket.day, ticket.month, ticket.hour) == ("20261130", "202611", "23")
    assert (ticket.scopes, ticket.key_home) == (("p", "k:k1"), "alpha")
    assert replace(ticket, user_id="bob").scopes == ("p", "k:k1", "u:bob")
    assert replace(ticket, key_project_id="ops").key_home == "ops"


def test_the_refusal_to_report_is_money_first_then_the_soonest():
    """Budget before rate before open."""
    rate, soon, money = Refusal(0, "rate", "", 50), Refusal(1, "rate", "", 20), Refusal(2, "budget")
    assert Refused((Refusal(3, "breaker_open", "", 1), rate, soon)).main == soon
    assert Refused((rate, money)).main == money


def test_the_moment_that_is_told_is_the_first_of_all():
    """Whatever keeps the others; none where money is missing, or nobody knows."""
    rate, rests, gone = (
        Refusal(0, "rate", "k:1:rpm", 50),
        Refusal(1, "breaker_open", "", 20),
        Refusal(2, "breaker_open", "closed"),
    )
    money = Refusal(3, "budget", "p:day_nano")
    assert Refused((rate, rests, gone)).reported == Refusal(0, "rate", "k:1:rpm", 20)
    assert Refused((rate, money)).reported == money
    assert Refused((gone,)).reported == gone


def test_a_probe_makes_no_limit_end_sooner():
    """The limit's moment is known, the probe's end is not; but at the end of its lease there is room."""
    rate, probed = Refusal(0, "rate", "k:1:rpm", 20_000), Refusal(1, "breaker_open", "probe", 60_000)
    assert Refused((rate, probed)).reported == rate
    assert Refused((rate, replace(probed, retry_after_ms=5000))).reported.retry_after_ms == 5000


def test_where_only_breakers_keep_a_request_it_may_ask_again_in_a_second():
    """Most probes end long before their lease; a rest ends when it ends."""
    rests, probed = Refusal(0, "breaker_open", "", 20_000), Refusal(1, "breaker_open", "probe", 60_000)
    assert Refused((rests, probed)).reported.retry_after_ms == 1000
    assert Refused((rests, replace(probed, retry_after_ms=400))).reported.retry_after_ms == 400
    assert Refused((rests,)).reported.retry_after_ms == 20_000


def test_a_malformed_key_is_told_how_to_send_one():
    """In both ways that there are."""
    with pytest.raises(Unauthenticated) as caught:
        project_of("sk-other")
    assert caught.value.message == (
        "The API key is malformed. Send a virtual key as 'Authorization: Bearer gk_...' or 'x-api-key: gk_...'."
    )
