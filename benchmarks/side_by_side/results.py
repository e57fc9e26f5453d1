"""All rounds of one run, kept as JSON, and what follows from them: medians of rounds, and of their ratios."""

from __future__ import annotations

import dataclasses
import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.side_by_side.contestants import BARE, DIRECT, LITELLM, OURS
from benchmarks.side_by_side.measuring import Sample

type Round = Mapping[str, Sample]
"""Of one contestant, by kind."""


@dataclass(frozen=True, slots=True)
class Row:
    """A contestant: its rounds, and MiB of its processes and of its store's in the end."""

    rounds: list[Round] = field(default_factory=list)
    memory: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Results:
    """`about` says when and where; `absent` why somebody is not among the rows."""

    about: Mapping[str, str]
    rows: Mapping[str, Row]
    absent: Mapping[str, str]

    def write(self, path: Path) -> None:
        """Four digits of each number."""
        told = json.loads(json.dumps(dataclasses.asdict(self)), parse_float=lambda text: float(f"{float(text):.4g}"))
        path.write_text(json.dumps(told, indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Results:
        """What `write` wrote."""
        told = json.loads(path.read_text())
        return cls(told["about"], {name: _row(row) for name, row in told["rows"].items()}, told["absent"])


def _row(told: Mapping[str, Any]) -> Row:
    rounds = [{kind: Sample(**values) for kind, values in one.items()} for one in told["rounds"]]
    return Row(rounds, (told["memory"][0], told["memory"][1]))


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. `of` takes it from a round of somebody and the same round of nobody between.

    `target` is what we allow ourselves of LiteLLM's proxy, `bare` of the library alone.
    """

    name: str
    unit: str
    of: Callable[[Round, Round], float]
    target: float | None = None
    bare: float | None = None
    more_is_better: bool = False
    of_server: bool = False
    """Whether the library and the provider have none."""

    def seen(self, results: Results, name: str) -> list[float]:
        """By round; empty where there is no such figure."""
        if name not in results.rows or (self.of_server and name in {DIRECT, BARE}):
            return []
        pairs = zip(results.rows[name].rounds, results.rows[DIRECT].rounds, strict=True)
        return [self.of(one, between) for one, between in pairs]

    def median(self, results: Results, name: str) -> float | None:
        return statistics.median(seen) if (seen := self.seen(results, name)) else None

    def ratio(self, results: Results, other: str) -> float | None:
        """Ours to theirs."""
        pairs = list(zip(self.seen(results, OURS), self.seen(results, other), strict=False))
        return statistics.median(one / two for one, two in pairs) if pairs else None


CPU = Measure("CPU", "ms", lambda one, _: one["whole"].cpu_ms, 0.3, 1.0)
ADDED = Measure("added p50", "ms", lambda one, no: one["whole"].took_ms - no["whole"].took_ms, 0.35)
RATE = Measure("16 callers", "answers/s", lambda one, _: one["whole16"].rate, 3.0, more_is_better=True)
STREAM = Measure("stream, CPU", "ms", lambda one, _: one["stream"].cpu_ms, 0.25)
FIRST = Measure(
    "stream, added to the first token", "ms", lambda one, no: one["stream"].first_ms - no["stream"].first_ms, 0.35
)
CROWD = Measure(
    "CPU of 32 callers beside 1", "x", lambda one, _: one["whole32"].cpu_ms / one["whole"].cpu_ms, of_server=True
)
MEASURES: Sequence[Measure] = (CPU, ADDED, RATE, STREAM, FIRST, CROWD)
MEMORY_TARGET = 0.4


def memory(results: Results, name: str) -> float | None:
    """MiB, the store's not among them."""
    return results.rows[name].memory[0] or None if name in results.rows else None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One target: what was measured of ours beside somebody, and whether it is met."""

    what: str
    beside: str
    ratio: float
    target: float
    at_least: bool = False

    @property
    def met(self) -> bool:
        return self.ratio >= self.target if self.at_least else self.ratio <= self.target


def verdicts(results: Results) -> list[Verdict]:
    """Every target whose other side was measured, and how our CPU is with a crowd."""
    found = list[Verdict]()
    for one in MEASURES:
        for target, other in ((one.target, LITELLM), (one.bare, BARE)):
            ratio = one.ratio(results, other)
            if target and ratio is not None:
                found.append(Verdict(one.name, other, ratio, target, one.more_is_better))
    theirs = memory(results, LITELLM)
    if theirs and (mib := memory(results, OURS)):
        found.append(Verdict("memory", LITELLM, mib / theirs, MEMORY_TARGET))
    if (crowd := CROWD.median(results, OURS)) is not None:
        found.append(Verdict(CROWD.name, "itself", crowd, 1.1))
    return found
