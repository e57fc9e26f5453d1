"""Which of a client's sessions a request belongs to, for reports."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from starlette.requests import Request

from gateway_core.domain.caller import MOST_NAME_BYTES

_HEADERS = ("x-session-id", "x-claude-code-session-id", "session-id")
"""Ours, Claude Code's and Codex's."""
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def session_of(request: Request, metadata: Mapping[str, str] | None = None) -> str:
    """From `metadata.session_id`, else from a header; empty without one. No client chose it for us: none is refused."""
    given = (metadata or {}).get("session_id") or next(filter(None, map(request.headers.get, _HEADERS)), "")
    return short_name(given, "s")


def short_name(name: str, letter: str) -> str:
    """The name itself or, of one that is too long or no name, the letter and half of its SHA-256 in hex."""
    if len(name.encode()) <= MOST_NAME_BYTES and not _CONTROLS.search(name):
        return name
    return f"{letter}-{hashlib.sha256(name.encode()).hexdigest()[:32]}"
