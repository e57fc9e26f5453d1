"""Every case on Anthropic's wire, by way of LiteLLM: never lost in silence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.wires import messages_matrix
from tests.wires.case import Case
from tests.wires.gateway import Lab
from tests.wires.messages_cases import CASES
from tests.wires.messages_matrix import Cells

ENGINE = "litellm"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(ENGINE, tmp_path_factory.mktemp("messages")) as made:
        yield made


@pytest.fixture(scope="module")
def written() -> dict[str, Cells]:
    return messages_matrix.load()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_what_becomes_of(case: Case, lab: Lab, written: dict[str, Cells]) -> None:
    """At each provider, whole: how streams are written is the same for both engines, and tried with the other."""
    assert messages_matrix.seen(lab, ENGINE, case) == messages_matrix.of(written[case.id], ENGINE)
