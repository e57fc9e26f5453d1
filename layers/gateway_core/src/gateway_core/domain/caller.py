"""Who calls, for whom, and within which limits. Money is in nano-USD."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase

MOST_NAME_BYTES = 128
NAME = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""What an agent, a user or a session may be called, beside so many bytes: the store keeps it with what is counted."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom a request is counted for, and in which of its client's sessions. What is unknown is empty."""

    project_id: str
    agent_id: str = ""
    user_id: str = ""
    session_id: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one scope and rate limits of one key; None means no limit."""

    day_nano: int | None = None
    month_nano: int | None = None
    day_tokens: int | None = None
    month_tokens: int | None = None
    rpm: int | None = None
    tpm: int | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows, of what its user may do here at all; None says nothing, and an empty set allows nothing.

    `admin` is added to it.
    """

    groups: frozenset[str] | None = None
    tools: frozenset[str] | None = None
    models: frozenset[str] | None = None
    admin: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls and what they may do. Empty `groups` or `tools` mean all of them; empty hosts mean none.

    `models` are patterns of what the caller may use: those with a slash, and `*`, of identifiers outside the catalog;
    the others of the catalog's models, where none of them means all. Identifiers outside take a pattern, or an admin
    without `groups` and `models`. `grant` is what a token has narrowed these rights to, None for a key.
    """

    project_id: str
    key_id: str
    digest: str
    rights_tag: str
    user_id: str = ""
    admin: bool = False
    groups: frozenset[str] = frozenset()
    tools: frozenset[str] = frozenset()
    api_base_hosts: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    grant: Grant | None = None

    @property
    def catalog_models(self) -> frozenset[str]:
        """The patterns, or aliases, of the catalog's models; empty means all of them."""
        return frozenset(pattern for pattern in self.models if "/" not in pattern and pattern != "*")

    def may_use_outside(self, identifier: str) -> bool:
        """Whether an identifier that the catalog does not have is the caller's to use."""
        if self.models:
            return any(fnmatchcase(identifier, pattern) for pattern in self.models)
        return self.admin and not self.groups


def party(name: str) -> str:
    """The name of an agent or user. Raises ValueError for what cannot be one."""
    if not name or not re.fullmatch(NAME, name):
        raise ValueError("is no name: it is empty, or has characters that steer a terminal")
    return of_few_bytes(name)


def of_few_bytes(name: str) -> str:
    """The name. Raises ValueError for one that takes too many bytes."""
    if len(name.encode()) > MOST_NAME_BYTES:
        raise ValueError(f"may take at most {MOST_NAME_BYTES} bytes in UTF-8")
    return name
