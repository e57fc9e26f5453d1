"""What the conformance suite printed, as a table. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SCENARIO = re.compile(r"^(\S) ([\w:-]+): \d+ passed, \d+ failed", re.MULTILINE)
_TOTAL = re.compile(r"^Total: (\d+) passed, (\d+) failed", re.MULTILINE)
_KNOWN = re.compile(r"^  ~ ([\w-]+)(?::\S+)?$", re.MULTILINE)
_UNSCORED = re.compile("tasks-.*|http-custom-header-server-validation|json-schema-2020-12")
"""What the suite runs and does not count: an extension that is not offered, and two that want a tool of its own."""
_COLOUR = re.compile(r"\x1b\[\d+m")
_HEAD = ("subject", "where", "revision", "scenarios", "passed", "known failures", "checks passed", "")

type Row = tuple[str, str, str, Outcome]


@dataclass(frozen=True)
class Outcome:
    """`passed`: as the baseline says, also of what the suite does not count. `text` is what to read if it did not."""

    passed: bool
    scenarios: int
    clean: int
    known: int
    checks: int
    text: str


def outcome_of(code: int, printed: str) -> Outcome:
    """Of one run, by its exit code and output. A run that printed no summary has not passed."""
    printed = _COLOUR.sub("", printed)
    _head, mark, summary = printed.partition("=== SUMMARY ===")
    found, total, known = _SCENARIO.findall(summary), _TOTAL.search(summary), _KNOWN.findall(summary)
    failed = {name for mark, name in found if mark == "✗" and not _UNSCORED.fullmatch(name)}
    return Outcome(
        passed=code == 0 and total is not None and failed <= set(known),
        scenarios=len(found),
        clean=[mark for mark, _ in found].count("✓"),
        known=len(known),
        checks=int(total[1]) if total else 0,
        text=(summary if mark else printed).strip(),
    )


def table(rows: Sequence[Row]) -> str:
    """Markdown, and below it all of each run that went otherwise than its baseline says."""
    lines = [_HEAD, tuple("---" for _ in _HEAD), *(_cells(row) for row in rows)]
    failed = [f"--- {' '.join(row[:3])}\n{row[3].text}" for row in rows if not row[3].passed]
    return "\n".join(["| " + " | ".join(line) + " |" for line in lines] + failed)


def _cells(row: Row) -> tuple[str, ...]:
    *names, found = row
    counts = (found.scenarios, found.clean, found.known, found.checks)
    return (*names, *map(str, counts), "as expected" if found.passed else "FAILED")
