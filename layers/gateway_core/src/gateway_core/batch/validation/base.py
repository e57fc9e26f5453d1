"""What every validation strategy is. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from gateway_core.domain.chat import Json
from gateway_core.domain.compact_json import compact

MOST_PROBLEMS = 5
MOST_PROBLEM_CHARS = 300
_FENCE = "```"
_BRACKETS = {"{": "}", "[": "]"}


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
    """The JSON value that an answer is, or that is in its code fence or sentence. Raises InvalidAnswerError."""
    first: InvalidAnswerError | None = None
    for candidate in _candidates(text.strip()):
        try:
            return _parsed(candidate)
        except InvalidAnswerError as error:
            first = first or error
    raise first or InvalidAnswerError(["The answer is not one JSON value; it is empty."])


def _candidates(text: str) -> Iterator[str]:
    """The whole, then what is between the first fence and the last, then from the first bracket to its last closing."""
    if text:
        yield text
    if fenced := _fenced(text):
        yield fenced
    start = min((at for bracket in _BRACKETS if (at := text.find(bracket)) >= 0), default=-1)
    if start >= 0 and (end := text.rfind(_BRACKETS[text[start]])) > start:
        yield text[start : end + 1]


def _fenced(text: str) -> str:
    """From the line behind the first fence to the last one: JSON may have fences in its own texts."""
    _, opened, rest = text.partition(_FENCE)
    _language, line, body = rest.partition("\n")
    inside, closed, _ = body.rpartition(_FENCE)
    return (inside if closed else body).strip() if opened and line else ""


def _parsed(text: str) -> Any:
    try:
        value = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise InvalidAnswerError(["The answer is nested too deeply."]) from None
    except UnicodeEncodeError:  # nobody could be sent it
        raise InvalidAnswerError(["The answer has half of a surrogate pair, which is no character."]) from None
    except ValueError as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise InvalidAnswerError([f"The answer is not one JSON value{where}; no text may stand around it."]) from None
    return value


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"{digits} is beyond all numbers")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def schema_instruction(schema: Json) -> str:
    """How a model without structured output is asked for it."""
    text = compact(schema)
    return f"Answer with one JSON value that is valid by this JSON Schema, and with nothing else: {text}"


type Options = Mapping[str, Any]
