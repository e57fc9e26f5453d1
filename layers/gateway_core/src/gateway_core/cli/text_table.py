"""Rows as a table for a terminal. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_WIDE = 48
"""A longer text is cut, so that a row stays a line."""


def text_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """The first column is at the left, numbers are at the right; a dash is for what is not known."""
    cells = [list(columns), *([_cell(row.get(name)) for name in columns] for row in rows)]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    return "".join(f"{_line(line, widths)}\n" for line in cells)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]).rstrip()


def _cell(value: object) -> str:
    text = "-" if value is None else str(value)
    shown = "".join(one if one.isprintable() else "?" for one in text)  # a name moves no cursor
    return shown if len(shown) <= MOST_WIDE else f"{shown[: MOST_WIDE - 3]}..."
