"""The page for users, and the file behind it, say what the tests hold."""

from __future__ import annotations

import re

from tests.wires import bedrock_matrix, expected, messages_cases, messages_matrix, page
from tests.wires.matrix import CASES

OUTCOME = re.compile(r"carried(, without [\w., ]+)?|(named|ruled out|refused|error): [\w., ]+")


def test_the_page_is_up_to_date() -> None:
    """Else run `python -m tests.wires.page`."""
    assert page.PAGE.read_text() == page.render()


def test_every_case_is_written_down_once() -> None:
    """And nothing else is."""
    names = [case.id for case in CASES]
    assert len(set(names)) == len(names)
    assert list(expected.load()) == names


def test_every_case_of_messages_is_written_down_once() -> None:
    """And each of its cells has one of the words."""
    written = messages_matrix.load()
    assert list(written) == [case.id for case in messages_cases.CASES]
    cells = (cell for columns in written.values() for engines in columns.values() for cell in engines.values())
    assert [cell for cell in cells if not OUTCOME.fullmatch(cell)] == []


def test_every_case_of_bedrock_is_written_down_once() -> None:
    """And each of its cells has one of the words."""
    written = bedrock_matrix.load()
    assert list(written) == [case.id for case in bedrock_matrix.CASES]
    cells = (cell for forms in written.values() for cell in forms.values())
    assert [cell for cell in cells if not OUTCOME.fullmatch(cell)] == []


def test_every_cell_has_one_of_the_words() -> None:
    """Nothing is silently wrong."""
    cells = (
        part
        for forms in expected.load().values()
        for columns in forms.values()
        for engines in columns.values()
        for outcome in engines.values()
        for part in outcome.replace("streamed: ", "").split(" / ")
    )
    assert [cell for cell in cells if not OUTCOME.fullmatch(cell)] == []
