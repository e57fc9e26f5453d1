"""The strategies that ship. Each takes a question and gives its validator, or raises InvalidRequest."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway_core.batch.questions import Question
from gateway_core.batch.validation.base import (
    AnyText,
    InvalidAnswerError,
    Validator,
    json_value,
    schema_instruction,
)
from gateway_core.batch.validation.patterns import Pattern, TooMuchWorkError
from gateway_core.batch.validation.schemas import JsonSchema
from gateway_core.domain.chat import Json
from gateway_core.domain.errors import InvalidRequest

MOST_SOURCES = 100
_CITATION = re.compile(r"\[([A-Za-z0-9_.-]{1,40})\]")
_QUOTE = re.compile(r'[“"]([^“”"]{1,2000})[”"]\s*\[([A-Za-z0-9_.-]{1,40})\]')


class PydanticModel:
    """The answer is an object of a Pydantic model, given as JSON."""

    def __init__(self, model: type[BaseModel]) -> None:
        self._model = model
        self.schema: Json | None = model.model_json_schema()
        self.instruction = schema_instruction(self.schema)

    def result_of(self, text: str) -> Any:
        value = json_value(text)
        try:
            found = self._model.model_validate_json(json.dumps(value))
        except ValidationError as error:
            wrong = error.errors(include_url=False, include_context=False, include_input=False)
            problems = [f"{'.'.join(map(str, one['loc'])) or 'The value'}: {one['msg']}" for one in wrong]
            raise InvalidAnswerError(problems) from None
        # By way of text: what is no JSON, such as an infinite number, is null there.
        return json.loads(found.model_dump_json(by_alias=True))


class MatchesPattern:
    """All of the answer, less white space around it, matches a regular expression."""

    schema: Json | None = None

    def __init__(self, pattern: Pattern, text: str) -> None:
        self._pattern = pattern
        self.instruction = f"Answer with a text that matches this regular expression as a whole: {text}"

    def result_of(self, text: str) -> Any:
        stripped = text.strip()
        try:
            fits = self._pattern.fits(stripped)
        except TooMuchWorkError:
            raise InvalidAnswerError(["The answer is too long to compare with the pattern; make it shorter."]) from None
        if not fits:
            raise InvalidAnswerError(["The answer does not match the regular expression as a whole."])
        return stripped


class CitesSources:
    """The answer cites given sources as `[id]`: enough of them, none that was not given, and quotes word for word."""

    schema: Json | None = None

    def __init__(self, sources: Mapping[str, str], least: int) -> None:
        self._sources = {name: _folded(text) for name, text in sources.items()}
        self._least = least
        listed = "\n".join(f"[{name}] {text}" for name, text in sources.items())
        self.instruction = (
            "Answer from these sources alone. Put the source's id in square brackets behind every statement, as in "
            f"[{next(iter(sources))}]. A text in quotation marks before an id has to stand in that source.\n{listed}"
        )

    def result_of(self, text: str) -> Any:
        cited = _CITATION.findall(text)
        problems = [
            f"[{name}] is not one of the sources." for name in dict.fromkeys(cited) if name not in self._sources
        ]
        if len(cited) < self._least:
            problems.append(f"The answer cites {len(cited)} times; it has to cite at least {self._least} times.")
        problems += [
            f"The quote before [{name}] does not stand in that source."
            for quote, name in _QUOTE.findall(text)
            if _folded(quote) not in self._sources.get(name, "")
        ]
        if problems:
            raise InvalidAnswerError(problems)
        return text


def none(_question: Question, _models: Mapping[str, type[BaseModel]]) -> Validator:
    """No check at all."""
    return AnyText()


def pydantic(question: Question, models: Mapping[str, type[BaseModel]]) -> Validator:
    """By the response model; without one by the response schema; without either there is nothing to check."""
    if question.response_model is None:
        return json_schema(question, models) if question.response_schema is not None else AnyText()
    if question.response_schema is not None:
        raise _wrong("response_schema", "is not taken together with response_model. Leave one of them out")
    if (model := models.get(question.response_model)) is None:
        raise _wrong("response_model", f"there is no such model. Choose one of: {', '.join(sorted(models))}")
    return PydanticModel(model)


def json_schema(question: Question, _models: Mapping[str, type[BaseModel]]) -> Validator:
    """By the response schema."""
    if question.response_schema is None:
        raise _wrong("response_schema", "is needed by the strategy json_schema")
    try:
        return JsonSchema(question.response_schema)
    except ValueError as error:
        raise _wrong("response_schema", str(error)) from None


def regex(question: Question, _models: Mapping[str, type[BaseModel]]) -> Validator:
    """By `options.pattern`."""
    text = question.options.get("pattern")
    if not isinstance(text, str) or not text:
        raise _wrong("options.pattern", "is needed by the strategy regex: a regular expression for the whole answer")
    try:
        return MatchesPattern(Pattern(text), text)
    except ValueError as error:
        raise _wrong("options.pattern", str(error)) from None


def citation_check(question: Question, _models: Mapping[str, type[BaseModel]]) -> Validator:
    """By `options.sources` (texts by id, or a list of texts with the ids 1, 2, ...) and `options.min_citations`."""
    least = question.options.get("min_citations", 1)
    if not isinstance(least, int) or isinstance(least, bool) or not 0 <= least <= MOST_SOURCES:
        raise _wrong("options.min_citations", f"is not a whole number from 0 to {MOST_SOURCES}")
    return CitesSources(_sources(question.options.get("sources")), least)


def _sources(given: object) -> dict[str, str]:
    named = {str(number): text for number, text in enumerate(given, 1)} if isinstance(given, list) else given
    texts = {str(name): text for name, text in named.items()} if isinstance(named, dict) else {}
    sources = {name: text for name, text in texts.items() if isinstance(text, str) and text}
    if not 0 < len(sources) <= MOST_SOURCES or len(sources) < len(texts):
        raise _wrong("options.sources", f"is needed by citation_check: 1 to {MOST_SOURCES} texts, as a list or by id")
    if odd := [name for name in sources if not _CITATION.fullmatch(f"[{name}]")]:
        raise _wrong("options.sources", f"{odd[0][:40]!r} is no id: use letters, digits, '.', '_' and '-', up to 40")
    return sources


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _wrong(field: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {why}.", param=field, schema=True)
