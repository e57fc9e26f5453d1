"""Names of requests. Each says when it was made, so that its record is found without an index."""

from __future__ import annotations

import re
import secrets
import time

_FORM = re.compile(r"req_([0-9a-f]{12})[0-9a-f]{20}(?![0-9a-f])")


def new_request_id(now_ms: int | None = None) -> str:
    """`req_` and 32 hex digits: twelve for the moment, by the machine's clock if none is given, the rest by chance."""
    at_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    return f"req_{at_ms:012x}{secrets.token_hex(10)}"


def made_ms(request_id: str) -> int | None:
    """When the request, or the one that it is a part of, was named; None if that is no name of ours.

    An earlier release had chance alone in its names: what they say is any moment of the next nine thousand years.
    """
    found = _FORM.match(request_id)
    return int(found[1], 16) if found else None
