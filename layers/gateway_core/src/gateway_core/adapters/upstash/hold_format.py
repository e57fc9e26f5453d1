"""How a hold is written: its field and its value, which `lua/common.lua` tells of."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote

from gateway_core.adapters.upstash.reading import check_day, moment, named, one_of, whole
from gateway_core.store.budget import Amount, Hold
from gateway_core.store.records import OpenHold

_HOLD = re.compile(
    r"(\d+);(\d+);\d+;(\d{8});(\d+);([^;|]*);([^;|]*);(\d+);(\d+);\d+;\d+;\d+;([^|]*)\|.*", re.ASCII | re.DOTALL
)
"""As in `lua/common.lua`: behind what was paid are the key's rpm, two sequences and limits."""
_UNCONFIRMED = re.compile(r".*,;(\d+);(\d+);(\d+)", re.ASCII)
_HOLD_KINDS = {"h": False, "x": True}


def hold_field(kind: str, request_id: str, attempt: int) -> str:
    """`h` open, `x` unconfirmed, `e` booked as an estimate."""
    return f"{kind}|{request_id}.{attempt}"


def parse_held(text: str) -> Hold:
    """What a hold, open or unconfirmed, says of money."""
    nano, tokens, _, _, _, _, paid, paid_tokens, kept = _parts_of_hold(text)
    _, guess, guess_tokens = _wait_of_hold(kept)
    return Hold(
        Amount(whole(nano), whole(tokens)), Amount(whole(paid), whole(paid_tokens)), Amount(guess, guess_tokens)
    )


def parse_hold(field: str, text: str) -> OpenHold:
    """A hold from its field, see `hold_field`, and its value. Raises StoreUnreadable."""
    with named(f"hold {field}"):
        request_id, _, attempt = field[2:].rpartition(".")
        booked = field.startswith("e|")
        kind, text = (text[0], text[1:]) if booked else (field[0], text)
        nano, tokens, day, since, key, user, paid, paid_tokens, kept = _parts_of_hold(text)
        check_day(day)
        return OpenHold(
            request_id=request_id,
            attempt=whole(attempt),
            key_id=unquote(key),
            user_id=unquote(user),
            day=day,
            hold_nano=whole(nano),
            hold_tokens=whole(tokens),
            held_since_ms=moment(since),
            unconfirmed=one_of(_HOLD_KINDS, kind),
            paid_nano=whole(paid),
            paid_tokens=whole(paid_tokens),
            unconfirmed_ms=_wait_of_hold(kept)[0],
            booked=booked,
        )


def _parts_of_hold(text: str) -> Sequence[str]:
    """Amount, day, since, key, user, amount paid, and the limits with what follows them."""
    found = _HOLD.fullmatch(text)
    if not found:
        raise ValueError
    return found.groups()


def _wait_of_hold(kept: str) -> tuple[int, int, int]:
    """Since when a hold is unconfirmed, and what was paid of it as an estimate."""
    found = _UNCONFIRMED.fullmatch(kept)
    return (moment(found[1]), whole(found[2]), whole(found[3])) if found else (0, 0, 0)
