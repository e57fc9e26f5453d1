"""What a provider wants back with a tool call, carried in the call's id: clients keep ids, and little else.

Gemini's models sign their calls, Claude's sign the thoughts before a call, and DeepSeek's want their reasoning back.
Without it the next turn is refused, or goes on without thinking. An id is `{provider's id}__thought__{mark}{payload}`.
Gemini's has no mark: LiteLLM writes and reads the same form.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from typing import Any, NamedTuple

SEPARATOR = "__thought__"
_DIGITS = 40
_MARK = re.compile(r"([a-z])\.(.*)", re.DOTALL)
_CUTS = frozenset({40, 64})
"""Characters at which some clients cut ids. Gemini's signatures are longer, and half of one is refused as corrupted."""
_MOST_BYTES = 4 * 1024 * 1024
"""More than a request may have: what unpacks to more was not packed here."""


class SignedId(NamedTuple):
    """An id without what it carries; the `mark` of who wrote that, empty for Gemini; and what it carries."""

    plain: str
    mark: str = ""
    payload: str = ""


def signed(plain: str, mark: str, value: Any) -> str:
    """The id with a JSON value in it, under a mark of one letter."""
    packed = base64.urlsafe_b64encode(zlib.compress(json.dumps(value, separators=(",", ":")).encode())).decode()
    return f"{plain}{SEPARATOR}{mark}.{packed.rstrip('=')}"


def split(call_id: str) -> SignedId:
    """The parts of an id; one that carries nothing is plain. What was cut off is not carried."""
    plain, _, rest = call_id.partition(SEPARATOR)
    if marked := _MARK.fullmatch(rest):
        return SignedId(plain, marked[1], marked[2])
    return SignedId(plain, "", "" if len(call_id) in _CUTS else rest)


def shortened(plain: str, longest: int) -> str:
    """The id, or its digest, the same for a call and its result, where it is empty or has more characters."""
    if 0 < len(plain) <= longest:
        return plain
    digest = hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()[:_DIGITS]
    return f"call_{digest}"[:longest]


def carried(call_id: str, mark: str) -> Any:
    """The value that `signed` put into an id under this mark; None if there is none, or it was tampered with."""
    found = split(call_id)
    if found.mark != mark:
        return None
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(
            base64.urlsafe_b64decode(found.payload + "=" * (-len(found.payload) % 4)), _MOST_BYTES
        )
        return json.loads(text) if unpacker.eof else None
    except (ValueError, binascii.Error, zlib.error, RecursionError):
        return None
