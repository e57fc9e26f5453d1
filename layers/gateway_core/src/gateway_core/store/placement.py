"""Which database a project lives in, where there are several. Pure.

A script of the store cannot span two databases, so all that belongs to a project is in one of them. What is learnt of
deployments is in each, as an admission needs it there: see docs/decisions/0024.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

FIRST = "first"
"""What the database is called that is always there."""

_TINY = 1e-6
"""What fractions may be off by."""

type Residence = Literal["", "home", "moving"]
"""Whether a database has nothing of a project, or all of it, or what is being moved from it."""


@dataclass(frozen=True, slots=True)
class Placement:
    """`projects` says where each that is named lives; `others` are the databases that all other projects share.

    `shares` are the parts of our own limits for providers that each database may let pass in a minute; a database that
    is not in it has all of them. Which of several `others` it is depends on the names of project and databases alone:
    one more database takes its part of the projects from the others and moves none between them.
    """

    projects: Mapping[str, str] = field(default_factory=dict)
    others: Sequence[str] = (FIRST,)
    shares: Mapping[str, float] = field(default_factory=dict)

    def database_of(self, project_id: str) -> str:
        """The name of the project's database."""
        named = self.projects.get(project_id)
        if named is not None or len(self.others) == 1:
            return named or self.others[0]
        return max(self.others, key=lambda database: _weight(database, project_id))

    def share_of(self, database: str, limit: int) -> int:
        """A database's part of a limit a minute, 1 at least; 0 stays no limit."""
        share = self.shares.get(database)
        return limit if share is None or not limit else max(1, int(limit * share + _TINY))


def shared_out(databases: Sequence[str], given: Mapping[str, float]) -> dict[str, float]:
    """The share of each database: what is `given` to it, or as much of the rest as each of the others gets.

    Raises ValueError where more than all is given, or nothing is left for those without a share.
    """
    rest = 1 - sum(given.values())
    without = [name for name in databases if name not in given]
    if rest < -_TINY or (without and rest < _TINY):
        raise ValueError
    return {name: given[name] if name in given else rest / len(without) for name in databases}


def _weight(database: str, project_id: str) -> bytes:
    """A number drawn from both names: the highest has the project."""
    return hashlib.sha256(f"{database}:{project_id}".encode()).digest()
