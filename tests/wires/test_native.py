"""Every case over wires of our own: carried, named or ruled out as it is written down, never lost in silence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wires import expected
from tests.wires.case import Case
from tests.wires.expected import Cells
from tests.wires.gateway import Lab
from tests.wires.matrix import CASES

ENGINE = "native"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(ENGINE, tmp_path_factory.mktemp("wires")) as made:
        yield made


@pytest.fixture(scope="module")
def written() -> dict[str, Cells]:
    return expected.load()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_becomes_of(case: Case, lab: Lab, written: dict[str, Cells]) -> None:
    """At each provider, in both of the caller's forms, whole and streamed."""
    assert expected.seen(lab, ENGINE, case) == expected.of(written[case.id], ENGINE)
