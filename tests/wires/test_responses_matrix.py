"""Every case with OpenAI's Responses as the caller's form: as it is written down, never lost in silence."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway_core.domain.chat import Engine
from tests.wires import responses_expected as expected
from tests.wires.case import Case
from tests.wires.gateway import ENGINES, Lab
from tests.wires.responses_matrix import CASES, cases_of

WRITTEN = expected.load()
EVERY = [(engine, case) for engine in ENGINES for case in cases_of(engine)]


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Engine, Lab]]:
    """Those of the engines that are asked for, LiteLLM last: it takes seconds to load."""
    made: dict[Engine, Lab] = {}
    yield made
    for lab in made.values():
        lab.__exit__()


@pytest.mark.parametrize(("engine", "case"), EVERY, ids=lambda value: getattr(value, "id", value))
def test_what_becomes_of(
    engine: Engine, case: Case, labs: dict[Engine, Lab], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """At each model, whole and streamed."""
    if engine not in labs:
        labs[engine] = expected.lab_of(engine, tmp_path_factory.mktemp("wires"))
    assert expected.seen(labs[engine], engine, case) == WRITTEN[case.id][engine]


def test_every_case_is_written_down_once() -> None:
    """And nothing else is."""
    names = [case.id for case in CASES]
    assert len(set(names)) == len(names)
    assert list(expected.load()) == names
