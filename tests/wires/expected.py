"""What is expected of each cell, kept in expected.yaml: a change of what becomes of a request is a change of that file.

`python -m tests.wires.expected` writes it anew from what is, for review; it fails for a cell that is wrong.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.wires.case import Case
from tests.wires.gateway import COLUMNS, ENGINES, Column, Lab
from tests.wires.matrix import CASES, FORMS, Form, cell

FILE = Path(__file__).with_name("expected.yaml")
_HEAD = """\
# What becomes of each case of tests/wires/cases_*.py: carried; named, where it is left out or changed and the answer
# says so; ruled out, with the field, so that the next model of a group answers; refused by the route; or the error that
# the answer ends in. By provider's wire and engine, and by caller's form where `chat` (/v1/chat/completions) and
# `complete` (/v1/complete, /v1/stream) differ. What is the same for all is written once.
# Made by `python -m tests.wires.expected`; read every line of a change.
"""
type Cells = dict[str, dict[str, dict[str, str]]]
"""By the names of form, column and engine."""


def columns_of(case: Case) -> list[Column]:
    return [column for column in COLUMNS if not case.columns or column.name in case.columns]


def seen(lab: Lab, engine: str, case: Case) -> Cells:
    """What becomes of the case by this engine. Raises WrongError."""
    return {
        form.name: {column.name: {engine: cell(lab, case, column, form)} for column in columns_of(case)}
        for form in FORMS
    }


def load() -> dict[str, Cells]:
    """By the cases' ids."""
    cases = {case.id: case for case in CASES}
    return {name: _unfolded(found, cases[name]) for name, found in yaml.safe_load(FILE.read_text()).items()}


def of(expected: Cells, engine: str) -> Cells:
    """The cells of one engine."""
    return {
        form: {column: {engine: by_engine[engine]} for column, by_engine in columns.items()}
        for form, columns in expected.items()
    }


def _unfolded(found: Any, case: Case) -> Cells:
    def by_form(form: Form) -> Any:
        return found.get(form.name) if isinstance(found, dict) and form.name in found else found

    def by_column(form: Form, column: Column) -> Any:
        cells = by_form(form)
        return cells[column.name] if isinstance(cells, dict) and column.name in cells else cells

    def by_engine(form: Form, column: Column) -> dict[str, str]:
        one = by_column(form, column)
        return {engine: one[engine] if isinstance(one, dict) else one for engine in ENGINES}

    return {form.name: {column.name: by_engine(form, column) for column in columns_of(case)} for form in FORMS}


def folded(value: Any) -> Any:
    """The same with what all parts of it have in common written once."""
    if not isinstance(value, dict):
        return value
    parts = {name: folded(part) for name, part in value.items()}
    first, *rest = parts.values()
    return first if all(part == first for part in rest) else parts


def _all() -> dict[str, Any]:
    made: dict[str, Cells] = {case.id: {} for case in CASES}
    for engine in ENGINES:
        with tempfile.TemporaryDirectory() as folder, Lab(engine, Path(folder)) as lab:
            for case in CASES:
                for form, columns in seen(lab, engine, case).items():
                    for column, cells in columns.items():
                        made[case.id].setdefault(form, {}).setdefault(column, {}).update(cells)
    return {name: folded(cells) for name, cells in made.items()}


def main() -> None:
    """Write the file."""
    text = yaml.safe_dump(_all(), sort_keys=False, width=116, default_flow_style=None, allow_unicode=True)
    FILE.write_text(_HEAD + text)


if __name__ == "__main__":
    main()
