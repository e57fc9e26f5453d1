"""The texts and functions in the code. Texts of a file are read once, whoever asks: all of them take seconds."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Texts:
    """Those of one file, docstrings and all."""

    all: frozenset[str]
    alone: frozenset[str]
    """What is neither a key of a table nor a part of a longer text or of `__all__`."""


@cache
def texts_of(path: Path) -> Texts:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    passed = {key for node in nodes if isinstance(node, ast.Dict) for key in node.keys}
    passed |= {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    passed |= {name for node in nodes if _is_all(node) for name in ast.walk(node)}
    texts = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    alone = _values([node for node in texts if node not in passed])
    return Texts(_values(texts), alone)


BEGIN = re.compile(r"^( *)(?:(?:async )?(def|class) (\w+)|@)", re.MULTILINE)


def functions_of(path: Path, precise_above: int) -> list[tuple[str, int]]:
    """Names and numbers of lines, which may be too large, but not above `precise_above`: to parse all takes seconds."""
    text = path.read_text("utf-8")
    if "'''" in text or any(map(BEGIN.search, text.split('"""')[1::2])):  # what is in a text begins nothing
        return list(_parsed(text))
    found = list(_to_the_next(text))
    return found if all(lines <= precise_above for _, lines in found) else list(_parsed(text))


def _to_the_next(text: str) -> Iterator[tuple[str, int]]:
    """Each with all that stands before what begins beside it or further out."""
    begins = list(BEGIN.finditer(text))
    for place, begin in enumerate(begins):
        if begin[2] == "def":
            later = (other.start() for other in begins[place + 1 :] if len(other[1]) <= len(begin[1]))
            yield begin[3], text[begin.start() : next(later, None)].rstrip().count("\n") + 1


def _parsed(text: str) -> Iterator[tuple[str, int]]:
    for node in _statements(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, (node.end_lineno or 0) - node.lineno + 1


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """All below it, and no expression: those are nine of ten nodes."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        below = getattr(node, block, None)
        if isinstance(below, list):  # a conditional expression has one body, which is none
            for one in below:
                yield one
                yield from _statements(one)


def _values(nodes: list[ast.Constant]) -> frozenset[str]:
    return frozenset(str(node.value) for node in nodes)


def _is_all(node: ast.AST) -> bool:
    """Whether it says what a module exports."""
    return isinstance(node, ast.Assign) and any(getattr(name, "id", "") == "__all__" for name in node.targets)
