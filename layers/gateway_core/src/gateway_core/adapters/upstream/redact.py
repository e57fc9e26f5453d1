"""Secrets out of text, before it is logged or kept: keys, bearer tokens, URL userinfo, sensitive assignments.

Two nets over each other: what the caller knows to be secret is removed literally, and what looks like a secret is
removed by shape. Text of a third party that repeats private text (a prompt) is not quoted at all: see `quote`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MASK = "[redacted]"
WITHHELD = "[withheld: it repeats the request]"
_WINDOW = 12
_MOST_PRIVATE_CHARS = 100_000
_MOST_QUOTED_CHARS = 50_000

_NAMES = (
    r"(?:x-)?(?:goog-)?api[ _-]?key|access[_-]?key|key|(?:access|refresh|auth|session|id)[_-]?token|token"
    r"|client[_-]?secret|secret|passwd|password|credentials?|signature|sig"
)
_PATTERNS = (
    (re.compile(r"(?<=://)[^/\s@]*@(?:[^/\s@]*@)*"), f"{MASK}@"),
    (re.compile(r"\b(Bearer|Basic)(\s+)[^\s\"',;]+", re.IGNORECASE), rf"\1\2{MASK}"),
    (re.compile(r"\b(authorization[\"']?\s*[:=]\s*[\"']?)[^\r\n\"',;}]+", re.IGNORECASE), rf"\1{MASK}"),
    (
        re.compile(rf"(?<![a-z0-9])({_NAMES})((?:\s+provided)?[\"']?\s*[:=]\s*[\"']?)[^\s\"'&,;}}]+", re.IGNORECASE),
        rf"\1\2{MASK}",
    ),
    (re.compile(r"\b(?:sk|rk|pk|xai|gsk|hf|ghp|pat)[-_][A-Za-z0-9*_-]{8,}"), MASK),
    (re.compile(r"\bgk_[a-z0-9-]{1,32}_[A-Za-z0-9_-]+"), MASK),
    (re.compile(r"\bAIza[A-Za-z0-9_-]{16,}"), MASK),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"), MASK),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without the given secrets and without whatever has the shape of one. Redacting twice changes nothing."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def quote(text: str, *, secrets: Iterable[str] = (), private: Iterable[str] = (), limit: int = 300) -> str:
    """A short, redacted, one-line excerpt of a third party's text, fit for an operator's log.

    Args:
        text: What the third party said.
        secrets: Values to remove literally, on top of what is found by shape.
        private: Texts that must not be repeated (the prompt): an excerpt that shares 12 characters in a row with
            one of them, or contains a shorter one whole, is withheld.
        limit: Most characters to return.
    """
    excerpt = " ".join(redact(text[:_MOST_QUOTED_CHARS], secrets).split())[:limit]
    return WITHHELD if _repeats(excerpt, [" ".join(item.split()) for item in private]) else excerpt


def _repeats(excerpt: str, private: list[str]) -> bool:
    if sum(map(len, private)) > _MOST_PRIVATE_CHARS:
        return bool(excerpt)
    windows = {excerpt[i : i + _WINDOW] for i in range(len(excerpt) - _WINDOW + 1)}
    return any(
        item in excerpt if len(item) < _WINDOW else any(window in item for window in windows)
        for item in private
        if item
    )
