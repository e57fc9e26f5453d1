"""A request that waits to be settled, as text: what the backlog keeps, and what the log says of it.

One JSON object with the log line's own names, so that either can be replayed. It has no prompt, no answer, no key and
not the key's digest: nothing is asked of the key when a request is settled, only whose budgets it counts against.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, asdict, fields
from typing import Any, Literal, get_args

from gateway_core.domain.chat import BreakerEffect
from gateway_core.domain.errors import InvalidRequest
from gateway_core.store.messages import Settlement, Ticket
from gateway_core.store.records import Unsettled, UsageRecord

VERSION = 1
REPLAY_WINDOW_MS = 30 * 86_400_000
"""From its admission on a request can be settled for so long. What proves that it was not settled yet is in its month's
budget, which lives for a month beyond the month's own days."""
type Verdict = Literal["settled", "refused", "waits", "away"]
"""What became of one that was replayed: it is in the books; it never can be; not yet, though others may be; not now,
as nothing can be."""
_LEFT_OUT = ("digest", "rights_tag")
_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "bool": (bool,),
    "int | None": (int, type(None)),
}
_LAST_MS = 253_402_300_799_999
_TEXT_NAMES = ("ticket", "owed", "settlement", "usage")


def facts(unsettled: Unsettled) -> dict[str, Any]:
    """All that settling it takes, ready for JSON."""
    ticket = {name: value for name, value in asdict(unsettled.ticket).items() if name not in _LEFT_OUT}
    last = unsettled.settlement
    return {
        "ticket": ticket,
        "owed": [asdict(attempt.late()) for attempt in unsettled.owed],
        "settlement": asdict(last.late()) if last else None,
        "usage": asdict(unsettled.record),
    }


def pack(unsettled: Unsettled) -> str:
    """One line of JSON in ASCII: SQS refuses some characters, and some readers of files end lines at others."""
    return json.dumps({"version": VERSION, **facts(unsettled)}, separators=(",", ":"))


def parse(text: str) -> Unsettled:
    """What `pack` wrote, or a log line in either format, whatever stands before it. Raises InvalidRequest.

    Fields that are not known are left out: a newer version may have written them.
    """
    given = _object_in(text)
    if given.get("version", VERSION) != VERSION:
        raise _unreadable("its version is not known")
    owed = given.get("owed", [])
    if not isinstance(owed, list):
        raise _unreadable("owed")
    ticket = _read(Ticket, {**dict.fromkeys(_LEFT_OUT, ""), **_mapping(given, "ticket")}, "ticket")
    last = None if given.get("settlement") is None else _settlement(_mapping(given, "settlement"), "settlement")
    record = _read(UsageRecord, _mapping(given, "usage"), "usage")
    if record.request_id != ticket.request_id or not 0 <= ticket.admitted_ms <= _LAST_MS:
        raise _unreadable("ticket")
    return Unsettled(ticket, tuple(_settlement(one, "owed") for one in owed), last, record)


def _settlement(given: Any, name: str) -> Settlement:
    if not isinstance(given, dict) or given.get("effect") not in get_args(BreakerEffect.__value__):
        raise _unreadable(name)
    return _read(Settlement, {key: value for key, value in given.items() if key != "rates"}, name)


def _mapping(given: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = given.get(name)
    if not isinstance(found, dict):
        raise _unreadable(name)
    return found


def _read[T: (Ticket, Settlement, UsageRecord)](kind: type[T], given: Mapping[str, Any], name: str) -> T:
    values: dict[str, Any] = {}
    for field in fields(kind):
        if field.name in given:
            values[field.name] = value = given[field.name]
            if type(value) not in _TYPES.get(str(field.type), (str,)):
                raise _unreadable(f"{name}.{field.name}")
        elif field.default is MISSING:
            raise _unreadable(f"{name}.{field.name}")
    return kind(**values)


def _object_in(text: str) -> dict[str, Any]:
    """The object in a line: the whole of it, or after what some tool put before it, or the fields of a text line."""
    start = text.find("{")
    try:
        found, _ = json.JSONDecoder().raw_decode(text, max(0, start))
    except ValueError:
        raise _unreadable("it is no JSON") from None
    if not isinstance(found, dict):
        raise _unreadable("it is no object")
    # The first object of a text line is its ticket. A caller's own names can make none before it.
    return found if "ticket" in found else dict(_text_fields(text, max(0, start - len(" ticket="))))


def _text_fields(text: str, end: int) -> Iterator[tuple[str, Any]]:
    """In their order, each where the one before it ends: a value may quote what looks like another."""
    for name in _TEXT_NAMES:
        start = f" {name}="
        if text.startswith(start, end):
            try:
                value, end = json.JSONDecoder().raw_decode(text, end + len(start))
            except ValueError:
                raise _unreadable(name) from None
            yield name, value


def _unreadable(why: str) -> InvalidRequest:
    return InvalidRequest(f"This is no request that waits to be settled: {why}.")
