"""The keywords of JSON Schema with a meter: each pays for what it looks at, so that no schema takes for ever.

Where jsonschema's own would take unbounded time (Python's regular expressions, pairs of unique items), ours are here.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from gateway_core.batch.validation.base import MOST_PROBLEMS
from gateway_core.batch.validation.patterns import pattern
from gateway_core.domain.chat import Json

MOST_STEPS = 100_000
"""Keywords applied to values, weighed by their size: about half a second."""
_WORK_A_STEP = 250
_MESSAGE = 300


class TooMuchError(Exception):
    """The meter has run out."""


class _Meter:
    """What checking one answer may still cost."""

    def __init__(self) -> None:
        self.left = MOST_STEPS

    def pay(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise TooMuchError


_METER: ContextVar[_Meter] = ContextVar("schema_meter")


@contextmanager
def meter() -> Iterator[None]:
    """A full meter for one answer."""
    token = _METER.set(_Meter())
    try:
        yield
    finally:
        _METER.reset(token)


@cache
def metered(draft: Any) -> Any:
    """The draft's validator, each keyword of which pays for what it does."""
    ours = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    keywords = {name: _paying(function) for name, function in {**draft.VALIDATORS, **ours}.items()}
    return importlib.import_module("jsonschema.validators").extend(draft, keywords)


type _Keyword = Callable[[Any, Any, Any, Any], Iterator[Any] | None]


def _paying(keyword: _Keyword) -> _Keyword:
    def paid(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[Any]:
        counter = _METER.get()
        counter.pay(1 + _size(value) + _size(instance))
        for error in keyword(validator, value, instance, schema) or ():
            counter.pay(len(error.message) // 32)  # it quotes the value
            error.message = error.message[:_MESSAGE]
            yield error

    return paid


def _size(value: Any) -> int:
    return len(value) if isinstance(value, (dict, list)) else 0


def _pattern(validator: Any, text: str, instance: Any, _schema: Any) -> Iterator[Any]:
    if validator.is_type(instance, "string") and not _found(text, instance):
        yield _error(f"does not match the pattern {text!r}")


def _pattern_properties(validator: Any, patterns: Json, instance: Any, _schema: Any) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    for text, subschema in patterns.items():
        for name, value in instance.items():
            if _found(text, name):
                yield from validator.descend(value, subschema, path=name, schema_path=text)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Json) -> Iterator[Any]:
    if not validator.is_type(instance, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    extra = [name for name in instance if name not in known and not any(_found(p, name) for p in patterns)]
    if isinstance(allowed, dict):
        for name in extra:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extra:
        yield _error(f"it has properties that are not allowed: {', '.join(map(repr, extra[:MOST_PROBLEMS]))}")


def _unique_items(validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
    if not (wanted and validator.is_type(instance, "array")):
        return
    texts = [json.dumps(_canonical(item), sort_keys=True) for item in instance]
    _METER.get().pay(sum(map(len, texts)) // 32)
    if len(set(texts)) < len(texts):
        yield _error("it has an item twice")


def _canonical(value: Any) -> Any:
    """1.0 and 1 are the same number in JSON Schema."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _canonical(child) for name, child in value.items()}
    return [_canonical(child) for child in value] if isinstance(value, list) else value


def _found(text: str, value: str) -> bool:
    found = pattern(text)
    _METER.get().pay(1 + found.work(value) // _WORK_A_STEP)
    return found.occurs(value)


def _error(message: str) -> Any:
    return importlib.import_module("jsonschema.exceptions").ValidationError(message)
