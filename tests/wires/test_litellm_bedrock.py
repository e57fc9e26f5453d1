"""Every case at Claude on Amazon Bedrock: carried, named or ruled out as it is written down, never lost in silence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wires import bedrock_matrix as matrix
from tests.wires.case import Case
from tests.wires.gateway import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with matrix.lab_of(tmp_path_factory.mktemp("wires")) as made:
        yield made


@pytest.fixture(scope="module")
def written() -> dict[str, matrix.Cells]:
    return matrix.load()


@pytest.mark.parametrize("case", matrix.CASES, ids=lambda case: case.id)
def test_what_becomes_of(case: Case, lab: Lab, written: dict[str, matrix.Cells]) -> None:
    """In both of the caller's forms, whole and streamed."""
    assert matrix.seen(lab, case) == written[case.id]
