"""The texts and functions in the code. A file is read once, whoever asks: all of them take seconds."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Texts:
    """Those of one file, docstrings and all."""

    all: frozenset[str]
    alone: frozenset[str]
    """What is neither a key of a table nor a part of a longer text or of `__all__`."""
    functions: tuple[tuple[str, int], ...]
    """Names and numbers of lines."""


@cache
def texts_of(path: Path) -> Texts:
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    passed = {key for node in nodes if isinstance(node, ast.Dict) for key in node.keys}
    passed |= {part for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    passed |= {name for node in nodes if _is_all(node) for name in ast.walk(node)}
    texts = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    alone = _values([node for node in texts if node not in passed])
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return Texts(_values(texts), alone, tuple((node.name, _lines(node)) for node in functions))


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def _values(nodes: list[ast.Constant]) -> frozenset[str]:
    return frozenset(str(node.value) for node in nodes)


def _is_all(node: ast.AST) -> bool:
    """Whether it says what a module exports."""
    return isinstance(node, ast.Assign) and any(getattr(name, "id", "") == "__all__" for name in node.targets)
