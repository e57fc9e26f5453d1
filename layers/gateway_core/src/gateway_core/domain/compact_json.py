"""JSON as it is sent and stored: without blanks, and in the characters of its texts."""

from __future__ import annotations

import json

# Made once: `json.dumps` makes an encoder for each call that asks for another form than its own.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def compact(value: object) -> str:
    """A value as JSON. Raises TypeError for what JSON has no form of."""
    return _ENCODER.encode(value)
