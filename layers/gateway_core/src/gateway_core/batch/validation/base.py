"""What every validation strategy is. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gateway_core.domain.chat import Json

MOST_PROBLEMS = 5
MOST_PROBLEM_CHARS = 300
_FENCED = re.compile(r"\s*```[a-zA-Z]*\s*\n(.*?)\n?\s*```\s*", re.DOTALL)


class InvalidAnswerError(Exception):
    """An answer is not valid; `problems` are sentences that a model can mend it by, few and short."""

    def __init__(self, problems: Sequence[str]) -> None:
        shown = [problem[:MOST_PROBLEM_CHARS] for problem in problems[:MOST_PROBLEMS]]
        super().__init__("; ".join(shown))
        self.problems = tuple(shown)


class Validator(Protocol):
    """One question's strategy, with its options checked."""

    @property
    def schema(self) -> Json | None:
        """The JSON Schema that the model is asked to answer by; None for text."""
        ...

    @property
    def instruction(self) -> str:
        """What the model is told before the question; empty for nothing."""
        ...

    def result_of(self, text: str) -> Any:
        """What the caller gets for this answer. Raises InvalidAnswerError."""
        ...


class AnyText:
    """Takes every answer as it is."""

    schema: Json | None = None
    instruction = ""

    def result_of(self, text: str) -> Any:
        return text


def json_value(text: str) -> Any:
    """The JSON value that an answer is, fenced as code or not. Raises InvalidAnswerError."""
    fenced = _FENCED.fullmatch(text)
    try:
        return json.loads(fenced[1] if fenced else text, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise InvalidAnswerError(["The answer is nested too deeply."]) from None
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidAnswerError([f"The answer is not one JSON value{where}; no text may stand around it."]) from None


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits} is beyond all numbers")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def schema_instruction(schema: Json) -> str:
    """How a model without structured output is asked for it."""
    text = json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    return f"Answer with one JSON value that is valid by this JSON Schema, and with nothing else: {text}"


type Options = Mapping[str, Any]
