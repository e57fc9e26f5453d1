"""What is written of a job: its questions, and a line for each answer, also for those that are no end yet. Pure.

A question whose providers failed is asked again; what that cost stands in a line of its own, so that nothing is
forgotten when the worker dies, and is part of the answer that ends the question.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from gateway_core.batch.questions import Answer, Question
from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.result import Attempt
from gateway_core.store.jobs import JobProgress


@dataclass(frozen=True, slots=True)
class Line:
    """What became of the question with this number; if it is not `final`, the question is asked again."""

    number: int
    answer: Answer
    final: bool = True


@dataclass(slots=True)
class JobAnswers:
    """All that is known of a job's answers, as lines are added. `ended` are the sums over those in `known`."""

    known: dict[int, Answer] = field(default_factory=dict)
    unfinished: dict[int, Answer] = field(default_factory=dict)
    tries: Counter[int] = field(default_factory=Counter)
    lines: int = 0
    ended: JobProgress = field(default_factory=JobProgress)

    def add(self, line: Line) -> None:
        """Note a line. Of two ends of a question, which only two workers can write, the first one counts."""
        self.lines += 1
        if line.number in self.known:
            return
        if line.final:
            self.unfinished.pop(line.number, None)
            self.known[line.number] = line.answer
            self.ended = _with(self.ended, line.answer)
        else:
            self.unfinished[line.number] = line.answer
            self.tries[line.number] += 1

    def whole(self, number: int, answer: Answer) -> Answer:
        """The answer with what earlier tries of the question came to."""
        earlier = self.unfinished.get(number)
        return answer if earlier is None else _sum(earlier, answer)

    @property
    def progress(self) -> JobProgress:
        """Sums over all lines."""
        total = self.ended
        for answer in self.unfinished.values():
            total = _with_spent(total, answer)
        return total


def _with(progress: JobProgress, answer: Answer) -> JobProgress:
    return replace(
        _with_spent(progress, answer),
        answered=progress.answered + 1,
        succeeded=progress.succeeded + (answer.status == "success"),
        cached=progress.cached + answer.cached,
        saved_nano=progress.saved_nano + answer.saved_nano,
    )


def _with_spent(progress: JobProgress, answer: Answer) -> JobProgress:
    return replace(
        progress,
        usage=progress.usage + answer.usage,
        input_nano=progress.input_nano + answer.cost.input_nano,
        output_nano=progress.output_nano + answer.cost.output_nano,
    )


def pack_questions(questions: Sequence[Question]) -> str:
    """As text that is short enough for one command: what nobody said is left out, the rest compressed."""
    told = [_said(question) for question in questions]
    return base64.b64encode(zlib.compress(json.dumps(told, separators=(",", ":")).encode())).decode()


def parse_questions(text: str) -> list[Question]:
    return [Question(**fields) for fields in json.loads(zlib.decompress(base64.b64decode(text)))]


def _said(question: Question) -> dict[str, Any]:
    plain = asdict(Question(question.index, ""))
    return {"text": question.text} | {
        name: value for name, value in asdict(question).items() if name == "index" or value != plain[name]
    }


def pack_line(line: Line) -> str:
    return json.dumps([line.number, line.final, asdict(line.answer)], separators=(",", ":"))


def parse_line(text: str) -> Line:
    number, final, fields = json.loads(text)
    fields["usage"] = Usage(**fields["usage"])
    fields["cost"] = Cost(**fields["cost"])
    fields["attempts"] = tuple(Attempt(**attempt) for attempt in fields["attempts"])
    return Line(number, Answer(**fields), final)


def _sum(earlier: Answer, answer: Answer) -> Answer:
    cost = Cost(
        earlier.cost.input_nano + answer.cost.input_nano,
        earlier.cost.output_nano + answer.cost.output_nano,
        answer.cost.price_source or earlier.cost.price_source,
        earlier.cost.estimated_nano + answer.cost.estimated_nano,
    )
    return replace(
        answer,
        usage=earlier.usage + answer.usage,
        cost=cost,
        retry_count=earlier.retry_count + answer.retry_count,
        attempts=(*earlier.attempts, *answer.attempts),
    )
