"""What is expected of each cell where the caller speaks OpenAI's Responses, kept in responses_expected.yaml.

`python -m tests.wires.responses_expected` writes it anew from what is, for review; it fails for a cell that is wrong.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import yaml

from gateway_core.domain.chat import Engine
from tests.wires.case import Case
from tests.wires.expected import folded
from tests.wires.gateway import ENGINES, Lab
from tests.wires.matrix import cell
from tests.wires.responses_form import RESPONSES
from tests.wires.responses_matrix import CASES, COLUMNS, OWN_SERVER, cases_of, columns_of

FILE = Path(__file__).with_suffix(".yaml")
_HEAD = """\
# As expected.yaml, for callers on OpenAI's Responses: by engine and model; what is the same for all is written once.
# Made by `python -m tests.wires.responses_expected`; read every line of a change.
"""
type Cells = dict[str, dict[str, str]]
"""By engine and model."""


def lab_of(engine: Engine, folder: Path) -> Lab:
    """Gateways in which all these columns are there."""
    known = [column for column in COLUMNS if engine == "native" or column.provider != "compatible"]
    return Lab(engine, folder, known, OWN_SERVER)


def seen(lab: Lab, engine: Engine, case: Case) -> dict[str, str]:
    """What becomes of the case by this engine at each model. Raises WrongError."""
    return {column.model: cell(lab, case, column, RESPONSES) for column in columns_of(case, engine)}


def load() -> dict[str, Cells]:
    """By the cases' ids."""
    written = yaml.safe_load(FILE.read_text())
    return {case.id: _unfolded(written[case.id], case) for case in CASES}


def _unfolded(found: Any, case: Case) -> Cells:
    def at(engine: Engine, model: str) -> str:
        of_engine = found.get(engine, found) if isinstance(found, dict) else found
        return str(of_engine[model] if isinstance(of_engine, dict) else of_engine)

    return {
        engine: {column.model: at(engine, column.model) for column in columns_of(case, engine)}
        for engine in ENGINES
        if case in cases_of(engine)
    }


def _all() -> dict[str, Any]:
    made: dict[str, Cells] = {case.id: {} for case in CASES}
    for engine in ENGINES:
        with tempfile.TemporaryDirectory() as folder, lab_of(engine, Path(folder)) as lab:
            for case in cases_of(engine):
                made[case.id][engine] = seen(lab, engine, case)
    return {name: _folded(cells) for name, cells in made.items()}


def _folded(cells: Cells) -> Any:
    outcomes = {outcome for by_model in cells.values() for outcome in by_model.values()}
    if len(outcomes) == 1:
        return outcomes.pop()
    return {engine: folded(by_model) for engine, by_model in cells.items()}


def main() -> None:
    """Write the file."""
    text = yaml.safe_dump(_all(), sort_keys=False, width=116, default_flow_style=None, allow_unicode=True)
    FILE.write_text(_HEAD + text)


if __name__ == "__main__":
    main()
