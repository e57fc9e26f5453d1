"""The Lua scripts: fragments in `lua/`, put together so that each rule is written once.

What they have in common with the rules in `store` stands before them, taken from there.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from gateway_core.store.breaker import MOST_AHEAD_MS, MOST_DOUBLINGS
from gateway_core.store.budget import MAX_AMOUNT
from gateway_core.store.changes import THRESHOLDS
from gateway_core.store.messages import DEGRADED, STALE_MS
from gateway_core.store.rate_limit import LATEST_US, MINUTE_US, MOST_PACED, REPORT_LIFE_MS, SKEW_MS

_CONSTANTS = {
    "DEGRADED": DEGRADED,
    "LATEST_US": LATEST_US,
    "MAX_AMOUNT": MAX_AMOUNT,
    "MINUTE_US": MINUTE_US,
    "MOST_AHEAD_MS": MOST_AHEAD_MS,
    "MOST_DOUBLINGS": MOST_DOUBLINGS,
    "MOST_PACED": MOST_PACED,
    "REPORT_LIFE_MS": REPORT_LIFE_MS,
    "SKEW_MS": SKEW_MS,
    "STALE_MS": STALE_MS,
}


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text, and its SHA-1 by which the server remembers it."""

    text: str
    sha: str


@dataclass(frozen=True, slots=True)
class Scripts:
    """All scripts. `record` is for requests of which nothing is held, `adjust` for holds without their request.

    `due` says which of these wait to be booked. `tell` is for news of deployments that no other script takes along.
    `look_up` and `record_hit` are the response cache's, `job_...` are for jobs, `change` is for operators.
    """

    admit: Script
    next: Script
    settle: Script
    record: Script
    tell: Script
    adjust: Script
    due: Script
    look_up: Script
    record_hit: Script
    job_create: Script
    job_claim: Script
    job_end: Script
    change: Script


@cache
def load_scripts() -> Scripts:
    """Read and assemble the scripts from the package."""
    return Scripts(
        admit=_assemble("common", "policy", "rates", "provider_limits", "news", "key", "admission", "admit"),
        next=_assemble("common", "policy", "rates", "provider_limits", "news", "attempt", "key", "admission", "next"),
        settle=_assemble("common", "policy", "rates", "provider_limits", "news", "attempt", "books", "settle"),
        record=_assemble("common", "books", "record"),
        tell=_assemble("common", "policy", "rates", "provider_limits", "news", "tell"),
        adjust=_assemble("common", "books", "adjust"),
        due=_assemble("due"),
        look_up=_assemble("common", "rates", "key", "look_up"),
        record_hit=_assemble("common", "books", "record_hit"),
        job_create=_assemble("job_create"),
        job_claim=_assemble("job_claim"),
        job_end=_assemble("job_end"),
        change=_assemble("change"),
    )


def _assemble(*names: str) -> Script:
    text = _with_constants(_without_comments("\n".join(map(_read, names))))
    return Script(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


def _with_constants(text: str) -> str:
    """The values of both languages in the place of their names. A threshold is a percentage and its missing part."""
    parts = ((percent, 100 // (100 - percent) if percent < 100 else "math.huge") for percent in THRESHOLDS)  # noqa: PLR2004
    thresholds = ", ".join(f"{{{percent}, {part}}}" for percent, part in parts)
    values = {**_CONSTANTS, "THRESHOLDS": f"{{{thresholds}}}"}
    return re.sub("|".join(rf"\b{name}\b" for name in values), lambda found: str(values[found[0]]), text)


def _read(name: str) -> str:
    return (files(__package__) / "lua" / f"{name}.lua").read_text(encoding="utf-8")


def _without_comments(text: str) -> str:
    """A script is sent whole after each restart of the server: comments and indentation are for readers here."""
    lines = (line.split("-- ")[0].strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)
