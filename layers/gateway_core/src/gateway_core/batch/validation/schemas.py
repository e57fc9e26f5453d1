"""JSON Schemas of callers: checked before any call, never fetched from anywhere, and bounded in what they cost.

Draft 2020-12 by the `jsonschema` library, less what would let a small schema take long: references lead to the schema
itself and are counted, and patterns have a time limit.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from functools import partial
from typing import Any

from gateway_core.batch.validation.base import InvalidAnswerError, json_value, schema_instruction
from gateway_core.batch.validation.patterns import Pattern, PatternTooSlowError
from gateway_core.domain.chat import Json

MOST_SCHEMA_BYTES = 64 * 1024
MOST_DEPTH = 40
MOST_REFERENCES = 5000
_REFUSED = ("$dynamicRef", "$recursiveRef", "patternProperties", "$id", "$schema", "$anchor", "$dynamicAnchor")
_NAMES_SCHEMAS = frozenset({"properties", "$defs", "definitions", "dependentSchemas"})
_HOLDS_DATA = frozenset({"const", "enum", "default", "examples"})


class TooCostlyError(Exception):
    """A schema refers to itself too often for this answer."""


class JsonSchema:
    """Validates by a schema. Raises ValueError, which says why, for one that cannot be used."""

    def __init__(self, schema: Json) -> None:
        _check_shape(schema)
        self.schema: Json | None = schema
        self.instruction = schema_instruction(schema)
        self._validator = _validator(schema)
        self._check_references()

    def result_of(self, text: str) -> Any:
        value = json_value(text)
        problems = self._problems(value)
        if problems:
            raise InvalidAnswerError(problems)
        return value

    def _problems(self, value: Any) -> list[str]:
        try:
            return [_problem(error) for error in self._validator().iter_errors(value)]
        except (RecursionError, TooCostlyError):
            return ["The answer is too deep or too large for its schema."]
        except PatternTooSlowError:
            return ["A text of the answer takes too long to compare with its pattern."]

    def _check_references(self) -> None:
        """A schema that leads nowhere, or only to itself, shows on any value."""
        unresolvable: Any = importlib.import_module("referencing.exceptions").Unresolvable
        try:
            list(self._validator().iter_errors(None))
            for reference in _references(self.schema):
                list(self._validator().descend(None, {"$ref": reference}))
        except unresolvable:
            raise ValueError("refers to a part of itself that is not there") from None
        except (RecursionError, TooCostlyError):
            raise ValueError("refers to itself without end") from None


def _validator(schema: Json) -> Any:
    """Makes a validator for one answer: references are counted anew for each."""
    library: Any = importlib.import_module("jsonschema")
    base = library.Draft202012Validator
    try:
        base.check_schema(schema)
    except library.SchemaError as error:
        where = ".".join(map(str, error.absolute_path))
        raise ValueError(f"is not a JSON Schema{f' at {where}' if where else ''}: {error.message[:200]}") from None
    registry: Any = importlib.import_module("referencing").Registry()
    return partial(_counted, library, base, schema, registry)


def _counted(library: Any, base: Any, schema: Json, registry: Any) -> Any:
    left, follow = [MOST_REFERENCES], base.VALIDATORS["$ref"]

    def reference(validator: Any, ref: Any, instance: Any, parent: Any) -> Iterator[Any]:
        left[0] -= 1
        if left[0] < 0:
            raise TooCostlyError
        yield from follow(validator, ref, instance, parent) or ()

    def pattern(_validator: Any, text: str, instance: Any, _parent: Any) -> Iterator[Any]:
        if isinstance(instance, str) and not Pattern(text).occurs(instance):
            yield library.ValidationError(f"does not match the pattern {text!r}")

    bounded = library.validators.extend(base, {"$ref": reference, "pattern": pattern})
    # A registry of its own holds nothing and fetches nothing.
    return bounded(schema, registry=registry)


def _problem(error: Any) -> str:
    where = ".".join(map(str, error.absolute_path))
    return f"{where or 'The value'}: {error.message}"


def _check_shape(schema: Any) -> None:
    """Size, depth, and keywords that are not served. Raises ValueError."""
    try:
        size = len(json.dumps(schema, ensure_ascii=False).encode("utf-8", "surrogatepass"))
    except RecursionError:
        size = MOST_SCHEMA_BYTES + 1
    if size > MOST_SCHEMA_BYTES:
        raise ValueError(f"is larger than {MOST_SCHEMA_BYTES} bytes")
    for depth, keyword, value in _keywords(schema, 1):
        if depth > MOST_DEPTH:
            raise ValueError(f"is nested deeper than {MOST_DEPTH} levels")
        if keyword in _REFUSED and not (keyword == "$schema" and depth == 1):
            raise ValueError(f"has {keyword}, which is not served here")
        if keyword == "$ref" and not (isinstance(value, str) and value.startswith("#")):
            raise ValueError("has a $ref that leads out of it; put the part under $defs and refer to #/$defs/NAME")
        if keyword == "pattern":
            _check_pattern(value)


def _check_pattern(text: Any) -> None:
    try:
        Pattern(str(text))
    except ValueError as error:
        raise ValueError(f"has a pattern that {error}") from None


def _references(schema: Any) -> set[str]:
    return {str(value) for _depth, keyword, value in _keywords(schema, 1) if keyword == "$ref"}


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
