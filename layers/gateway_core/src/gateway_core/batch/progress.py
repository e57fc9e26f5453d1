"""How far a batch is: whose turn it is, and what an ended question means for those that wait for it. No I/O."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

from gateway_core.batch.graph import Node
from gateway_core.batch.questions import Answer
from gateway_core.batch.substitution import cited, fill, filled_size


class Progress:
    """One batch on its way.

    A question's turn comes when all that it waits for have ended. If one that it cites has failed, it fails then,
    without a call. Whose turn it is are handed out in list order. What is `known` from before has ended already.
    """

    def __init__(self, nodes: Sequence[Node], known: Iterable[tuple[int, Answer]] = ()) -> None:
        self._nodes = {node.number: node for node in nodes}
        self._open = {node.number: len(node.waits_for) for node in nodes}
        self._followers: dict[int, list[int]] = defaultdict(list)
        for node in nodes:
            for number in node.waits_for:
                self._followers[number].append(node.number)
        self._ended: dict[int, Answer] = dict(known)
        for number in self._ended:
            self._released_by(number)
        self._due = [number for number in self._nodes if not self._open[number] and number not in self._ended]

    @property
    def unended(self) -> tuple[Node, ...]:
        """The questions without an answer, in list order."""
        return tuple(node for number, node in self._nodes.items() if number not in self._ended)

    def has_ended(self, number: int) -> bool:
        return number in self._ended

    def end_lacking(self) -> list[Answer]:
        """End those whose turn it is and that cite a question which failed before, and all that cite them."""
        told: list[Answer] = []
        for number in sorted(self._due):
            if missing := self._missing(self._nodes[number]):
                self._due.remove(number)
                told += self.end(number, _lacks(self._nodes[number], missing))
        heapq.heapify(self._due)
        return told

    def next_due(self) -> Node | None:
        """A question whose turn it is, each of them once; None as long as there is none."""
        return self._nodes[heapq.heappop(self._due)] if self._due else None

    def end(self, number: int, answer: Answer) -> list[Answer]:
        """Note what became of a question. Gives all answers that are known by that, this one first."""
        told, ending = [], deque([(number, answer)])
        while ending:
            ended, final = ending.popleft()
            self._ended[ended] = final
            told.append(final)
            for node in self._released_by(ended):
                if missing := self._missing(node):
                    ending.append((node.number, _lacks(node, missing)))
                else:
                    heapq.heappush(self._due, node.number)
        return told

    def prompt(self, node: Node, most_bytes: int) -> str | None:
        """The question's text with the answers that it cites, None if that is longer than allowed."""
        text = node.question.text
        answers = {name: self._ended[place].text for name, place in zip(cited(text), node.cites, strict=True)}
        return fill(text, answers) if filled_size(text, answers) <= most_bytes else None

    def _released_by(self, number: int) -> list[Node]:
        released = []
        for follower in self._followers[number]:
            self._open[follower] -= 1
            if not self._open[follower]:
                released.append(self._nodes[follower])
        return released

    def _missing(self, node: Node) -> Answer | None:
        """The first answer that it cites and that failed."""
        return next((answer for number in node.cites if (answer := self._ended[number]).status == "error"), None)


def _lacks(node: Node, missing: Answer) -> Answer:
    why = f"Not asked: it needs the answer to question {missing.index}, which failed ({missing.error_code})."
    return Answer(node.question.index, "error", error_message=why, error_code="dependency_failed")
