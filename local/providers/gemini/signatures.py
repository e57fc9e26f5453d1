"""Thought signatures of Gemini 3.

Rules as of 2026-11-29, from https://ai.google.dev/gemini-api/docs/thought-signatures: in the current turn, which begins
with the user's last words, the first call of each step carries the signature it came with; parallel calls have one
between them. A history that another model wrote may say one of two dummies instead. Gemini 2.5 does not look.
"""

from __future__ import annotations

import base64
import hashlib
import re

from local.providers.gemini.contents import parts_with
from local.providers.gemini.proto import get
from local.providers.model import Json, Refused

_DUMMIES = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
DUMMIES = tuple(base64.b64encode(dummy.encode()).decode() for dummy in _DUMMIES) + _DUMMIES
"""Signatures are bytes, which JSON writes in base64; the documentation writes the dummies as they are."""
_GENERATION = re.compile(r"gemini-(\d+)")
_FIRST_STRICT = 3
_MISSING = (
    "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly, "
    "and missing thought_signature may lead to degraded model performance. Additional data, function call "
    "`default_api:{name}` , position {position}. Please refer to "
    "https://ai.google.dev/gemini-api/docs/thought-signatures for more details."
)


def generation_of(model: str) -> int:
    """3 of `gemini-3.1-pro-preview`; 0 where the name does not tell."""
    found = _GENERATION.match(model)
    return int(found[1]) if found else 0


def signature_of(name: str) -> str:
    """The signature that goes with a call of this function."""
    return base64.b64encode(b"\x0a\x24simulator:" + hashlib.sha256(name.encode()).digest()).decode()


def check_signatures(contents: list[Json], model: str) -> None:
    """Raises Refused."""
    if generation_of(model) < _FIRST_STRICT:
        return
    for at in range(_turn_begins(contents), len(contents)):
        calls = parts_with(contents[at], "functionCall") if contents[at].get("role") == "model" else []
        if calls:
            _check_first(calls[0], at)


def _turn_begins(contents: list[Json]) -> int:
    """Where the user last said something that is no function's response."""
    said = [at for at, content in enumerate(contents) if content.get("role", "user") == "user"]
    return max((at for at in said if not parts_with(contents[at], "functionResponse")), default=0)


def _check_first(part: Json, at: int) -> None:
    name = str(get(part, "functionCall")["name"])
    signature = get(part, "thoughtSignature")
    if not signature:
        raise Refused(_MISSING.format(name=name, position=at + 1))
    if signature not in (*DUMMIES, signature_of(name)):
        raise Refused("Corrupted thought signature.")
