"""What has to end before a question's turn comes. Pure.

"Earlier" is the place in the list, `index` only a name. Nothing refers to what comes later, so there are no circles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway_core.batch.questions import Question
from gateway_core.batch.substitution import cited
from gateway_core.domain.errors import InvalidRequest

_LONGEST_SHOWN = 20
"""Digits of an index in a message: nobody reads more, and a caller may send thousands."""


@dataclass(frozen=True, slots=True)
class Node:
    """A question in its batch.

    Attributes:
        number: Its place in the list, from 1.
        cites: The numbers of those whose answers are in its prompt: without them it cannot be asked.
        after: The number of the sequential question before this one, which has to end, well or not.
    """

    number: int
    question: Question
    cites: tuple[int, ...] = ()
    after: int | None = None

    @property
    def waits_for(self) -> frozenset[int]:
        """The numbers of all that have to end first."""
        return frozenset(self.cites) | ({self.after} if self.after else set())


def build(questions: Sequence[Question]) -> tuple[Node, ...]:
    """The batch as a graph, in list order.

    Raises InvalidRequest for an index that is used twice, and for a reference to what is not there or not earlier.
    """
    places = _places(questions)
    nodes: list[Node] = []
    last_sequential = None
    for number, question in enumerate(questions, 1):
        is_sequential = question.method == "sequential"
        cites = tuple(_earlier(name, number, places) for name in cited(question.text))
        nodes.append(Node(number, question, cites, last_sequential if is_sequential else None))
        last_sequential = number if is_sequential else last_sequential
    return tuple(nodes)


def _places(questions: Sequence[Question]) -> dict[str, int]:
    """Number by index as a prompt writes it."""
    places: dict[str, int] = {}
    for number, question in enumerate(questions, 1):
        first = places.setdefault(str(question.index), number)
        if first != number:
            raise _refused(number, "index", f"{_shown(str(question.index))} is the index of another question, too")
    return places


def _earlier(name: str, number: int, places: dict[str, int]) -> int:
    place = places.get(name)
    if place is None:
        raise _refused(number, "question", f"there is no question {_shown(name)} to take an answer from")
    if place == number:
        raise _refused(number, "question", "refers to its own answer")
    if place > number:
        raise _refused(number, "question", f"refers to question {_shown(name)}, which comes later in the list")
    return place


def _refused(number: int, field: str, why: str) -> InvalidRequest:
    path = f"questions.{number - 1}.{field}"
    return InvalidRequest(f"{path}: {why}.", param=path, schema=True)


def _shown(name: str) -> str:
    return name if len(name) <= _LONGEST_SHOWN else f"{name[:_LONGEST_SHOWN]}..."
