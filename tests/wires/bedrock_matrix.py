"""The matrix for Claude on Amazon Bedrock, which LiteLLM alone translates, and what is expected of each of its cells.

`python -m tests.wires.bedrock_matrix` writes bedrock_expected.yaml anew from what is, for review; it fails for a cell
that is wrong.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.wires.case import Case
from tests.wires.expected import folded
from tests.wires.gateway import Column, Lab
from tests.wires.matrix import CASES as ALL
from tests.wires.matrix import FORMS, cell

FILE = Path(__file__).with_name("bedrock_expected.yaml")
COLUMN = Column("bedrock", "bedrock", "claude-on-bedrock")
LIKE = "anthropic"
"""The column whose cases are its own, too."""
MODELS = """
models:
  claude-on-bedrock:
    provider: bedrock
    upstream: us.anthropic.claude-haiku-4-5-20251001-v1:0
    map_key: bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0
    tier: 3
    max_image_tokens: 1600
"""
NOT_THERE = ("sse-", "no-usage")
"""Cases of server-sent events, which it has none of, and of answers without usage, which Converse requires."""
CASES = tuple(case for case in ALL if (not case.columns or LIKE in case.columns) and not case.id.startswith(NOT_THERE))
_HEAD = """\
# As expected.yaml, for Claude on Amazon Bedrock, by caller's form where they differ.
# Made by `python -m tests.wires.bedrock_matrix`; read every line of a change.
"""
type Cells = dict[str, str]
"""By the names of forms."""


def lab_of(folder: Path) -> Lab:
    """One gateway, with this model."""
    return Lab("litellm", folder, [COLUMN], MODELS)


def seen(lab: Lab, case: Case) -> Cells:
    """What becomes of the case. Raises WrongError."""
    return {form.name: cell(lab, case, COLUMN, form) for form in FORMS}


def load() -> dict[str, Cells]:
    """By the cases' ids."""
    written = yaml.safe_load(FILE.read_text())
    return {
        name: found if isinstance(found, dict) else {form.name: found for form in FORMS}
        for name, found in written.items()
    }


def main() -> None:
    """Write the file."""
    with tempfile.TemporaryDirectory() as folder, lab_of(Path(folder)) as lab:
        made: dict[str, Any] = {case.id: folded(seen(lab, case)) for case in CASES}
    FILE.write_text(_HEAD + yaml.safe_dump(made, sort_keys=False, width=116, allow_unicode=True))


if __name__ == "__main__":
    main()
