"""The tables of a run, for a terminal and for README.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.side_by_side.contestants import CONTESTANTS, DIRECT, OURS
from benchmarks.side_by_side.results import ADDED, CPU, FIRST, MEASURES, RATE, STREAM, Results, memory, verdicts

_MANY, _SOME = 100, 10


def number(value: float | None) -> str:
    """Three digits, or nothing."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= _MANY else f"{value:.1f}" if abs(value) >= _SOME else f"{value:.2f}"


def figures(results: Results) -> str:
    """A line for each that was measured."""
    heads = [f"{one.name}, {one.unit}" if one.unit != "x" else one.name for one in MEASURES]
    lines = [_line("", *heads, "memory, MiB", "beside it in the store: CPU, MiB")]
    lines.append("|---" * (len(heads) + 3) + "|")
    for one in CONTESTANTS:
        if one.name in results.rows:
            cells = [number(measure.median(results, one.name)) for measure in MEASURES]
            lines.append(_line(one.name, *cells, number(memory(results, one.name)), _store(results, one.name)))
    return "\n".join(lines)


def _store(results: Results, name: str) -> str:
    row = results.rows[name]
    if not row.memory[1]:
        return ""
    seen = sorted(one["whole"].store_ms for one in row.rounds)
    return f"{number(seen[len(seen) // 2])} ms, {number(row.memory[1])}"


def abilities() -> str:
    """What each does for its figures."""
    rows = [_line(one.name, one.does, one.lacks) for one in CONTESTANTS if one.name != DIRECT]
    return "\n".join([_line("", "does for each request", "lacks"), "|---|---|---|", *rows])


def targets(results: Results) -> str:
    """Whether they are met."""
    lines = [_line("ours", "beside", "ratio", "target", ""), "|---|---|---|---|---|"]
    for one in verdicts(results):
        sign = "≥" if one.at_least else "≤"
        verdict = "met" if one.met else "**missed**"
        lines.append(_line(one.what, one.beside, f"{number(one.ratio)}x", f"{sign} {one.target:g}x", verdict))
    return "\n".join(lines)


def short(results: Results) -> str:
    """The table of the README: ours and the others', by the most telling measures."""
    chosen = (CPU, ADDED, RATE, STREAM, FIRST)
    heads = [f"{one.name}, {one.unit}" for one in chosen]
    lines = [_line("", *heads, "memory, MiB", "does meanwhile"), "|---" * (len(heads) + 3) + "|"]
    for one in CONTESTANTS:
        if one.name in results.rows and one.name != DIRECT:
            cells = [number(measure.median(results, one.name)) for measure in chosen]
            name = f"**{one.name}**" if one.name == OURS else one.name
            lines.append(_line(name, *cells, number(memory(results, one.name)), one.does))
    return "\n".join(lines)


def about(results: Results) -> str:
    """When, where, and who was not there."""
    told = ", ".join(f"{name} {value}" for name, value in results.about.items())
    return "\n".join([f"{told}.", *(f"Not measured: {name}, as {why}." for name, why in results.absent.items())])


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def sections(results: Results) -> Mapping[str, str]:
    """By the name of their place in a document."""
    whole = "\n\n".join([about(results), figures(results), targets(results), abilities()])
    return {"side_by_side": whole, "side_by_side, short": short(results)}


def place(document: Path, made: Mapping[str, str]) -> None:
    """Each that has marks in the document between them."""
    text = document.read_text()
    for name, table in made.items():
        mark, end = f"<!-- {name} -->\n", "<!-- end -->"
        text = re.sub(
            f"{re.escape(mark)}.*?{end}", lambda _, told=f"{mark}\n{table}\n\n{end}": told, text, flags=re.DOTALL
        )
    document.write_text(text)
