"""Where the lines of a module stand: in which function, and what it is that runs them or goes by their outcome."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Place:
    """`function` is dotted, such as `Room.enter`; "" is the module itself.

    Who runs one of `lines` runs the line. Where that happens at import, `names` are those that its outcome goes by: a
    constant's, or a class's and its field's.
    """

    function: str
    lines: frozenset[int]
    names: tuple[str, ...]


class Places:
    """The places of one module."""

    def __init__(self, source: str) -> None:
        found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.stmt))
        self._statements = sorted(found, key=lambda one: (one.lineno, -_end(one)))
        self._known: dict[int, Place] = {}

    def of(self, line: int) -> Place:
        """The place of a line."""
        if line not in self._known:
            around = [one for one in self._statements if one.lineno <= line <= _end(one)]
            self._known[line] = _place(around, line)
        return self._known[line]


def _place(around: Sequence[ast.stmt], line: int) -> Place:
    """The place of a line in these statements, of which each has the next one in it."""
    definitions = [statement for statement in around if isinstance(statement, _Definition)]
    function = ".".join(definition.name for definition in definitions)
    if any(not isinstance(definition, ast.ClassDef) for definition in definitions):
        return Place(function, _lines(around[-1], line), ())
    return Place(function, frozenset(), tuple(_names(around)))


def _lines(statement: ast.stmt, line: int) -> frozenset[int]:
    """The lines of a statement, without the statements in it. A function's defaults are used wherever it runs."""
    inner = () if isinstance(statement, _Definition) else ast.walk(statement)
    starts = [one.lineno for one in inner if isinstance(one, ast.stmt) and one is not statement]
    last = max(statement.lineno, min(starts) - 1) if starts else _end(statement)
    return frozenset((line, *range(statement.lineno, last + 1)))


def _names(around: Sequence[ast.stmt]) -> Iterator[str]:
    """What a statement of a class or module gives a name to, and the class: its fields are used through it."""
    for statement in around:
        match statement:
            case ast.ClassDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name


def _end(statement: ast.stmt) -> int:
    return statement.end_lineno or statement.lineno
