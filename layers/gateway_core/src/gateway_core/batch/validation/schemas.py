"""JSON Schemas of callers: checked before any call, never fetched from anywhere, and bounded in what they cost.

jsonschema does the work, its keywords metered (see `keywords`). Drafts 2020-12 and 7; `format` is not checked.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

from gateway_core.batch.validation.base import MOST_PROBLEMS, InvalidAnswerError, json_value, schema_instruction
from gateway_core.batch.validation.keywords import TooMuchError, meter, metered
from gateway_core.batch.validation.patterns import TooMuchWorkError, pattern
from gateway_core.domain.chat import Json

MOST_SCHEMA_CHARS = 64 * 1024
MOST_KEYWORDS = 2000
MOST_DEPTH = 40
_DRAFTS = {
    "https://json-schema.org/draft/2020-12/schema": "Draft202012Validator",
    "http://json-schema.org/draft-07/schema": "Draft7Validator",
}
_REFUSED = frozenset(
    {"$dynamicRef", "$recursiveRef", "$dynamicAnchor", "$recursiveAnchor", "unevaluatedItems", "unevaluatedProperties"}
)
"""Keywords whose cost nobody can bound beforehand; providers do not know them either."""
_NAMES_SCHEMAS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
_HOLDS_DATA = frozenset({"const", "enum", "default", "examples"})
_PROBES: tuple[Any, ...] = (None, False, 0, "", [], {})


class TooCostlyError(Exception):
    """An answer cannot be held to its schema within bounds."""


class JsonSchema:
    """Validates by a schema. Raises ValueError, which says why, for one that cannot be used."""

    def __init__(self, schema: Json) -> None:
        self._validator = _validator(_text_of(schema))
        self.schema: Json | None = schema
        self.instruction = schema_instruction(schema)

    def result_of(self, text: str) -> Any:
        value = json_value(text)
        try:
            problems = _problems(self._validator, value)
        except TooCostlyError:
            problems = ["The answer is too deep or too large for its schema. Make it shorter."]
        if problems:
            raise InvalidAnswerError(problems)
        return value


def _text_of(schema: Json) -> str:
    try:
        text = json.dumps(schema, allow_nan=False)
    except (ValueError, RecursionError):
        raise ValueError("is not JSON, or nested too deeply") from None
    if len(text) > MOST_SCHEMA_CHARS:
        raise ValueError(f"is larger than {MOST_SCHEMA_CHARS} characters")
    return text


@lru_cache(maxsize=64)
def _validator(text: str) -> Any:
    """The library's validator for a schema. Kept, as a batch may have one schema a thousand times."""
    schema = json.loads(text)
    _check_bounds(schema)
    draft = _draft(schema.pop("$schema", next(iter(_DRAFTS))))
    schema.pop("$id", None)
    _check_form(draft, schema)
    _check_references(draft, schema)
    validator = metered(draft)(schema, registry=_library("referencing").Registry())
    _check_ends(validator)
    return validator


def _problems(validator: Any, value: Any) -> list[str]:
    """The first few. Raises TooCostlyError."""
    try:
        with meter():
            return [_described(error) for error in islice(validator.iter_errors(value), MOST_PROBLEMS)]
    except (TooMuchError, TooMuchWorkError, RecursionError):
        raise TooCostlyError from None
    except ArithmeticError:
        return ["The answer has a number that is too large."]


def _described(error: Any) -> str:
    """Where and what; of alternatives the failure that came closest."""
    closest = _library("jsonschema.exceptions").best_match([error])
    where = ".".join(map(str, closest.absolute_path))
    return f"{where or 'The value'}: {closest.message}"


def _check_bounds(schema: Json | bool) -> None:
    """Size, depth, and keywords that are not served."""
    for seen, (depth, keyword, value) in enumerate(_keywords(schema, 1)):
        if depth > MOST_DEPTH:
            raise ValueError(f"is nested deeper than {MOST_DEPTH} levels")
        if seen > MOST_KEYWORDS:
            raise ValueError(f"has more than {MOST_KEYWORDS} keywords")
        if keyword in _REFUSED or (keyword == "$id" and depth > 1):
            raise ValueError(f"has {keyword}, which is not served here")
        if keyword == "$ref" and not (isinstance(value, str) and value.startswith("#")):
            raise ValueError("has a $ref that leads out of it; put the part under $defs and refer to #/$defs/NAME")
        if keyword == "pattern":
            _check_pattern(str(value))
        if keyword == "patternProperties" and isinstance(value, dict):
            for text in value:
                _check_pattern(text)


def _keywords(schema: Any, depth: int) -> Iterator[tuple[int, str, Any]]:
    """Every keyword of a schema and of those inside it; not what only looks like one in names or data."""
    if isinstance(schema, list):
        for one in schema:
            yield from _keywords(one, depth + 1)
    if not isinstance(schema, dict) or depth > MOST_DEPTH + 1:
        return
    for keyword, value in schema.items():
        yield depth, keyword, value
        if keyword in _NAMES_SCHEMAS and isinstance(value, dict):
            for inner in value.values():
                yield from _keywords(inner, depth + 1)
        elif keyword not in _HOLDS_DATA:
            yield from _keywords(value, depth + 1)


def _check_pattern(text: str) -> None:
    try:
        pattern(text)
    except ValueError as error:
        raise ValueError(f"has a pattern that {error}") from None


def _draft(named: object) -> Any:
    found = _DRAFTS.get(named.rstrip("#")) if isinstance(named, str) else None
    if found is None:
        raise ValueError(f"has a $schema that is not supported. Use one of {', '.join(_DRAFTS)}")
    return getattr(_library("jsonschema"), found)


def _check_form(draft: Any, schema: Json | bool) -> None:
    library = _library("jsonschema")
    try:
        draft.check_schema(schema, format_checker=library.FormatChecker(()))
    except library.SchemaError as error:
        where = ".".join(map(str, error.absolute_path))
        raise ValueError(f"is not a JSON Schema{f' at {where}' if where else ''}: {error.message[:200]}") from None


def _check_ends(validator: Any) -> None:
    """A schema may refer to itself without end, or grow with each reference, whatever the answer is."""
    for value in _PROBES:
        try:
            _problems(validator, value)
        except TooCostlyError:
            raise ValueError("refers to itself without end, or too often even for an empty answer") from None


def _check_references(draft: Any, schema: Json) -> None:
    """Each leads to a schema, be it one that nobody would have looked for there."""
    referencing = _library("referencing")
    specification = _library("referencing.jsonschema").specification_with(draft.META_SCHEMA["$schema"])
    resource = referencing.Resource(contents=schema, specification=specification)
    resolver = referencing.Registry().with_resource("", resource).resolver()
    found, waiting = set[str](), [schema]
    while waiting:
        for reference in {value for _, keyword, value in _keywords(waiting.pop(), 1) if keyword == "$ref"} - found:
            found.add(reference)
            part = _part(resolver, reference)
            _check_bounds(part)
            _check_form(draft, part)
            waiting.append(part)


def _part(resolver: Any, reference: str) -> Any:
    unresolvable: Any = _library("referencing.exceptions").Unresolvable
    try:
        part = resolver.lookup(reference).contents
    except (unresolvable, ValueError, TypeError):
        part = None
    if isinstance(part, (dict, bool)):
        return part
    raise ValueError(f"refers to a part of itself that is not there, or no schema: {reference[:100]}")


def _library(name: str) -> Any:
    """Loaded when the first schema comes: it takes a while, and most batches have none."""
    return importlib.import_module(name)
