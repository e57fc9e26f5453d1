"""Tells how the mutants fared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence

from scripts.mutants.judge import Verdict
from scripts.mutants.made import Mutant

_COLUMNS = ("package", "mutants", "sample", "equivalent", "killed", "timed out", "survived", "score")


def score(verdicts: Sequence[Verdict]) -> float:
    """Per cent that were noticed. A test that does not end fails as well, by pytest's own limit."""
    return 100 * sum(verdict.kind != "survived" for verdict in verdicts) / max(1, len(verdicts))


def report(made: Sequence[Mutant], equivalent: Sequence[Mutant], verdicts: Sequence[Verdict]) -> str:
    """The survivors and a table."""
    survivors = [verdict for verdict in verdicts if verdict.kind == "survived"]
    told = sorted(map(_told, survivors))
    packages = list(dict.fromkeys(mutant.package for mutant in made))
    rows = [_row(package, {package}, made, equivalent, verdicts) for package in packages]
    total = _row("all", packages, made, equivalent, verdicts)
    return "\n".join((*told, *_table([_COLUMNS, *rows, total])))


def _told(verdict: Verdict) -> str:
    mutant = verdict.mutant
    return f"{mutant.file}: {mutant.place.function or '(module)'}\n{mutant.diff}\n{verdict.note}\n"


def _row(
    name: str,
    packages: Collection[str],
    made: Sequence[Mutant],
    equivalent: Sequence[Mutant],
    verdicts: Sequence[Verdict],
) -> tuple[str, ...]:
    own = [verdict for verdict in verdicts if verdict.mutant.package in packages]
    kinds = Counter(verdict.kind for verdict in own)
    same = sum(mutant.package in packages for mutant in equivalent)
    counts = (
        sum(mutant.package in packages for mutant in made),
        same + len(own),
        same,
        *(kinds[kind] for kind in ("killed", "timeout", "survived")),
    )
    return (name, *map(str, counts), f"{score(own):.1f} %")


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
        yield "  ".join((first.ljust(widths[0]), *cells))
