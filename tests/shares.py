"""What a worker of `make test` has to do: with `--dist each` it collects, imports and runs its share of the files only.

Collecting all of them takes each worker as long as a tenth of all tests together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

COSTS: Mapping[str, int] = {
    "tests/contract": 34,
    "tests/contract/test_litellm": 16,
    "tests/e2e": 60,
    "tests/functions": 22,
    "tests/local": 12,
    "tests/template": 4,
    "tests/unit": 34,
    "tests/wires": 20,
}
"""About how many seconds tests take whose paths begin so, with processes of their own; the longest beginning counts."""

UNMEASURED = (
    "tests/contract/test_litellm",
    "tests/contract/test_lying_store.py",
    "tests/contract/test_money_of_answers.py",
    "tests/contract/test_store_lies.py",
    "tests/e2e/",
    "tests/wires/",
)
"""Large matrices and whole processes: measuring doubles their time, and shows no line that other tests do not reach."""


def part_of(path: str) -> str:
    """The beginning of COSTS that a file belongs to; empty for one of a new suite."""
    return max((part for part in COSTS if path.startswith(part)), key=len, default="")


@cache
def shares(workers: int) -> Mapping[str, int]:
    """Who runs each part: the costliest first, each to who has the least to do."""
    loads = [0] * workers
    found = {"": 0}
    for part in sorted(COSTS, key=lambda part: (-COSTS[part], part)):
        found[part] = loads.index(min(loads))
        loads[found[part]] += COSTS[part]
    return found


def runs(path: str, worker: int, workers: int) -> bool:
    """Whether this of so many workers runs the file."""
    return shares(workers)[part_of(path)] == worker


def is_measured(path: str) -> bool:
    """Whether the lines that the file's tests reach count as covered."""
    return not path.startswith(UNMEASURED)
