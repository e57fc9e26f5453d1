"""Batches that hypothesis makes up, and an answerer that does as it is told."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from hypothesis import strategies as st

from gateway_core.batch.graph import Node
from gateway_core.batch.questions import Answer, Question


@st.composite
def batches(draw, most=12):
    """Valid batches: any indexes, any method, references to any earlier question."""
    indexes = draw(st.lists(st.integers(-3, 50), min_size=1, max_size=most, unique=True))
    questions: list[Question] = []
    for place, index in enumerate(indexes):
        cited = draw(st.lists(st.sampled_from(indexes[:place]), max_size=3)) if place else []
        text = " ".join([f"ask {index}", *(f"{{Q{name}_result}}" for name in cited)])
        questions.append(Question(index, text, draw(st.sampled_from(["concurrent", "sequential"]))))
    return questions


@dataclass(frozen=True)
class Fate:
    """What becomes of a question once it is asked."""

    takes_s: float = 1.0
    fails: bool = False
    crashes: bool = False


FATES = st.builds(Fate, st.sampled_from([0.0, 0.5, 1.0, 2.0, 60.0]), st.booleans(), st.booleans())


@dataclass
class ScriptedAnswerer:
    """Implements `Answerer`: answers `<number>` after a while. Notes all that is needed to judge the engine.

    With `stubborn`, a cancelled question takes so many seconds to settle.
    """

    fates: dict[int, Fate] = field(default_factory=dict)
    stubborn_s: float = 0.0
    prompts: dict[int, str] = field(default_factory=dict)
    timeouts: dict[int, float] = field(default_factory=dict)
    begun_s: dict[int, float] = field(default_factory=dict)
    ended_s: dict[int, float] = field(default_factory=dict)
    cancelled: list[int] = field(default_factory=list)
    most_at_once: int = 0

    async def answer(self, question: Question, prompt: str, number: int, *, timeout_s: float) -> Answer:
        loop = asyncio.get_running_loop()
        assert number not in self.prompts, "nobody is asked twice"
        self.prompts[number], self.timeouts[number], self.begun_s[number] = prompt, timeout_s, loop.time()
        self.most_at_once = max(self.most_at_once, len(self.begun_s) - len(self.ended_s))
        fate = self.fates.get(number, Fate())
        try:
            await asyncio.sleep(fate.takes_s)
        except asyncio.CancelledError:
            self.cancelled.append(number)
            await stubbornly(self.stubborn_s)
            raise
        finally:
            self.ended_s[number] = loop.time()
        if fate.crashes:
            raise ZeroDivisionError("prompt text")
        if fate.fails:
            return Answer(question.index, "error", error_message="no", error_code="provider_error")
        return Answer(question.index, "success", f"<{number}>")


async def stubbornly(seconds: float) -> None:
    """Take so long, whoever wants it to end."""
    loop = asyncio.get_running_loop()
    end_s = loop.time() + seconds
    while loop.time() < end_s:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(end_s - loop.time())


def expected_prompt(node: Node) -> str:
    """Its text with `<number>` for each answer."""
    words = node.question.text.split()[2:]
    numbers = {word: node.cites[place] for place, word in enumerate(dict.fromkeys(words))}
    return " ".join([*node.question.text.split()[:2], *(f"<{numbers[word]}>" for word in words)])
