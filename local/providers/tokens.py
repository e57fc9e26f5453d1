"""The simulator's own token counter: simple, deterministic and easy to predict by hand.

A token is up to eight characters of one word together with the whitespace before it; whitespace that ends a text is
one token more. So "hello world" is two tokens and "extraordinary" is two. Joined, the pieces give the text back.
"""

from __future__ import annotations

import json
import re
from typing import Any

MESSAGE_TOKENS = 3
"""Overhead of each message, as OpenAI's own chat format has."""
IMAGE_TOKENS = 258
"""Every image, whatever its size: what Gemini counts for a small one. A document counts as one page of that size."""
AUDIO_TOKENS = 32
"""Every sound, whatever its length: what Gemini counts for a second."""

_PIECE = re.compile(r"\s*\S{1,8}|\s+")


def pieces(text: str) -> tuple[str, ...]:
    """The tokens of a text, in order."""
    return tuple(_PIECE.findall(text))


def count(text: str) -> int:
    return len(_PIECE.findall(text))


def count_json(value: Any) -> int:
    """Tokens of a value written as compact JSON; 0 for nothing."""
    return count(json.dumps(value, separators=(",", ":"))) if value else 0
