"""What waits to be settled, as text: it comes back whole, from the backlog and from the log, and nothing else does."""

import io
import json
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.log_backlog import LogBacklog
from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.rates import RateView
from gateway_core.store.messages import Settlement, Ticket
from gateway_core.store.records import Unsettled, UsageRecord
from gateway_core.store.unsettled import facts, pack, parse
from gateway_core.telemetry.log_format import json_line, text_line
from gateway_core.telemetry.telemetry import Telemetry
from tests.backlogs import AWAY, unsettled

whole = st.integers(0, 2**53 - 1)
names = st.text(max_size=8) | st.sampled_from([' ticket={"x":1}', " usage={}", 'a "quoted" {thing}'])
tickets = st.builds(
    Ticket,
    request_id=st.just("r1"),
    project_id=names,
    key_id=names,
    digest=st.just(""),
    rights_tag=st.just(""),
    admitted_ms=st.integers(0, 2**41),
    user_id=names,
    agent_id=names,
    key_project_id=names,
)
settlements = st.builds(Settlement, attempt=whole, generation=st.integers(-1, 99), rates=st.none(), charge_nano=whole)
records = st.builds(UsageRecord, request_id=st.just("r1"), agent_id=names, user_id=names, input_tokens=whole)
messages = st.builds(
    Unsettled,
    ticket=tickets,
    owed=st.lists(settlements, max_size=2).map(tuple),
    settlement=st.none() | settlements,
    record=records,
)


@given(messages)
def test_it_comes_back_as_it_was(message):
    """From one line without a character that anybody could object to."""
    text = pack(message)
    assert text.isascii()
    assert text.isprintable()
    assert parse(text) == message


@given(
    messages, st.sampled_from(["json", "text"]), st.sampled_from(["", "2026-11-20T12:00:00 2026/11/20/[$LATEST]ab "])
)
def test_it_comes_back_from_the_log(message, log_format, prefix):
    """In both formats, whatever the names in it look like, and behind what a tool puts before it."""
    head = {
        "level": "ERROR",
        "message": "usage not settled",
        "timestamp": "2026-11-20T12:00:00.000",
        "request_id": "r1",
    }
    line = {"json": json_line, "text": text_line}[log_format]({**head, **facts(message), "detail": 'a "b" {c}'})
    assert parse(prefix + line) == message


async def test_the_log_has_no_digest():
    """Nobody needs it to settle."""
    stream = io.StringIO()
    ticket = replace(unsettled().ticket, digest="0f" * 32, rights_tag="tag")
    await LogBacklog(Telemetry(stream=stream, service=uuid.uuid4().hex)).put(replace(unsettled(), ticket=ticket), AWAY)
    assert "0f0f" not in stream.getvalue()


def test_what_the_provider_said_of_its_limits_is_left_out():
    """It is of the past when it is read."""
    ended = Settlement(1, "one", "m1", 0, probe=False, effect="ok", rates=RateView(5))
    message = replace(unsettled(), settlement=ended, owed=(ended,))
    late = replace(ended, rates=None)
    assert parse(pack(message)) == replace(message, settlement=late, owed=(late,))


def test_what_is_not_known_is_left_out_and_what_is_missing_has_its_default():
    """Another version may have written it."""
    given = facts(unsettled())
    given["ticket"]["new"] = given["usage"]["new"] = given["settlement"]["new"] = given["new"] = 1
    del given["settlement"]["serial"]
    del given["owed"]
    found = parse(json.dumps(given))
    assert found == replace(unsettled(), settlement=replace(unsettled().settlement, serial=0))


def broken(**changes):
    """The message with other values at some paths, such as `ticket.request_id`; `...` takes one out."""
    given = {"version": 1, **facts(unsettled())}
    for path, value in changes.items():
        *above, name = path.split("__")
        place = given
        for step in above:
            place = place[step]
        if value is ...:
            del place[name]
        else:
            place[name] = value
    return json.dumps(given)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "{",
        "[]",
        "{}",
        "7",
        'x ticket={"a',
        "x ticket={} owed=[",
        broken(version=2),
        broken(ticket=...),
        broken(ticket=[]),
        broken(usage=...),
        broken(owed={}),
        broken(owed=[7]),
        broken(settlement=7),
        broken(settlement__effect="other"),
        broken(settlement__effect=["ok"]),
        broken(settlement__attempt=True),
        broken(settlement__probe=1),
        broken(settlement__attempt=...),
        broken(settlement__charge_nano=1.5),
        broken(ticket__request_id=...),
        broken(ticket__request_id=7),
        broken(ticket__request_id="other"),
        broken(ticket__admitted_ms=-1),
        broken(ticket__admitted_ms=10**18),
        broken(usage__cache_hit=0),
        broken(usage__model=None),
    ],
)
def test_what_is_none_is_refused(text):
    """With a word on why, and without quoting it."""
    with pytest.raises(InvalidRequest, match="no request that waits") as refused:
        parse(text)
    assert "alpha" not in refused.value.message
