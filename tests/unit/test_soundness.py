"""What is read from the store is of the types that it is said to be, or is not read at all."""

import json
from dataclasses import replace

import pytest

from gateway_core.adapters.upstash import layout
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import StoreUnreadable
from gateway_core.domain.times import LATEST_MS
from gateway_core.store.jobs import JobName, parse_job
from gateway_core.store.probes import Probe, parse_probe
from gateway_core.store.soundness import check_texts, check_types
from gateway_core.store.virtual_keys import KeyRecord, rights_json, with_rights

FACTS = {
    "key_home": "alpha",
    "digest": "d",
    "attribution": {"project_id": "alpha", "agent_id": "", "user_id": ""},
    "created_ms": 1,
    "until_ms": 2,
    "questions": 1,
    "body_digest": "b",
    "idempotency": "",
}
NAME = JobName("alpha", "0" * 32)
WRONG = (LookupError, TypeError, ValueError)


def job(**changes):
    facts = json.dumps({**FACTS, **changes})
    return parse_job(NAME, facts, state="queued", error_code="", ended_ms=None, progress="")


def key(**changes):
    rights = {**json.loads(rights_json(KeyRecord("alpha", "d"))), **changes}
    return with_rights("alpha", "d", Limits(), json.dumps(rights))


def probe(**changes):
    parts = {"provider": "one", "status": "ok", "latency_ms": None, "checked_ms": 1, "fresh_until_ms": 2, "listed": {}}
    return parse_probe(*{**parts, **changes}.values())


def test_what_was_written_is_read():
    """None of the checks is in its way."""
    assert (job().questions, key().id, probe(listed={"m": True})) == (
        1,
        KeyRecord("alpha", "d").id,
        Probe("one", "ok", None, 1, 2, {"m": True}),
    )


def test_a_type_is_exact():
    """A number is no truth, and a truth no number; what is no plain type is not looked at."""
    record = KeyRecord("alpha", "d")
    check_types(record, Probe("one", "ok", 3, 1, 2))
    for wrong in (replace(record, admin=1), replace(record, created_ms=True), replace(record, user_id=None)):
        with pytest.raises(TypeError):
            check_types(wrong)
    check_types(replace(record, groups="no tuple", revoked_ms=None))


def test_texts_are_texts():
    """All of them."""
    check_texts()
    check_texts("a", "")
    with pytest.raises(TypeError):
        check_texts("a", None)


@pytest.mark.parametrize(
    "changes",
    [
        {"created_ms": "1"},
        {"until_ms": LATEST_MS + 1},
        {"until_ms": -1, "created_ms": -2},
        {"questions": 1.5},
        {"attribution": {"project_id": 7}},
        {"attribution": []},
        {"attribution": {}},
        {"more": 1},
    ],
)
def test_a_job_that_is_none(changes):
    """Its moments have dates, and its numbers are whole."""
    with pytest.raises(WRONG):
        job(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"admin": "yes"},
        {"user": 7},
        {"groups": 7},
        {"groups": [7]},
        {"tools": [None]},
        {"hosts": [[]]},
        {"models": [1]},
        {"created_ms": LATEST_MS + 1},
        {"revoked_ms": LATEST_MS + 1},
        {"revoked_ms": "now"},
    ],
)
def test_a_key_that_is_none(changes):
    """No right is guessed."""
    with pytest.raises(WRONG):
        key(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "fine"},
        {"latency_ms": "1"},
        {"checked_ms": LATEST_MS + 1},
        {"listed": {"m": 1}},
        {"provider": 7},
        {"fresh_until_ms": None},
        {"listed": 7},
        {"listed": [1]},
    ],
)
def test_a_probe_that_is_none(changes):
    """It would be shown."""
    with pytest.raises((*WRONG, AttributeError)):
        probe(**changes)


def test_limits_that_a_provider_reported_have_dates():
    """Health shows them."""
    good = "1,60,5,2,0,0,0"
    assert layout.parse_provider_limits(f"0;{good};{good}")
    for wrong in (f"{LATEST_MS + 1},60,5,2,0,0,0", f"1,60,5,{LATEST_MS + 1},0,0,0"):
        with pytest.raises(ValueError, match="no date"):
            layout.parse_provider_limits(f"0;{good};{wrong}")


def test_a_part_is_named_and_not_the_whole():
    """The innermost place is the one to mend."""
    with pytest.raises(StoreUnreadable) as caught:
        layout.parse_budget("b|p of prj:alpha", "1;x;;")
    assert caught.value.detail == "unreadable: budget b|p of prj:alpha"
