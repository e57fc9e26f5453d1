"""The records of all wires, and the words in their code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

import gateway_core
from gateway_core.wires.table import WIRES
from gateway_core.wires.wire import Reason

CORE = Path(gateway_core.__file__).parent
REASONS = get_args(Reason.__value__)
each_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


def words(path: Path) -> Iterator[str]:
    """Its texts, docstrings and all."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
