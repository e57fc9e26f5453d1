"""How OpenAI words what is wrong with a field. The texts are those that its API answers (2026-11-29)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from local.providers.model import Refused


def missing(name: str) -> Refused:
    return Refused(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def unknown_parameter(name: str) -> Refused:
    return Refused(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def unknown_value(at: str, value: Any, known: Sequence[str]) -> Refused:
    listed = ", ".join(f"'{item}'" for item in known[:-1])
    supported = f"{listed}, and '{known[-1]}'" if listed else f"'{known[-1]}'"
    return Refused(f"Invalid value: '{value}'. Supported values are: {supported}.", param=at, code="invalid_value")


def invalid_type(at: str, expected: str) -> Refused:
    message = f"Invalid type for '{at}': expected {expected}, but got a different type instead."
    return Refused(message, param=at, code="invalid_type")


def too_long(at: str, what: str, limit: int, found: int) -> Refused:
    """`what` is an array, a string or an object."""
    kind = {"array": "length", "string": "length", "object": "number of properties"}[what]
    message = (
        f"Invalid '{at}': {what} too long. Expected {'an' if what != 'string' else 'a'} {what} with maximum {kind} "
        f"{limit}, but got {'an' if what != 'string' else 'a'} {what} with {kind} {found} instead."
    )
    code = "string_above_max_length" if what == "string" else f"{what}_above_max_length"
    return Refused(message, param=at, code=code)


def empty_array(at: str) -> Refused:
    message = f"Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    return Refused(message, param=at, code="empty_array")


def unsupported_parameter(name: str) -> Refused:
    message = f"Unsupported parameter: '{name}' is not supported with this model."
    return Refused(message, param=name, code="unsupported_parameter")


def check_one_of(at: str, value: Any, known: Sequence[str]) -> None:
    """Raises Refused unless the value is none of those named; None is as if it were not given."""
    if value is not None and value not in known:
        raise unknown_value(at, value, known)


def check_range(name: str, value: float, low: float, high: float | None) -> None:
    """Bounds, both inclusive; `high` None means there is none. Raises Refused."""
    kind = "integer" if isinstance(value, int) and name != "temperature" else "decimal"
    if value < low:
        message = f"Invalid '{name}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead."
        raise Refused(message, param=name, code=f"{kind}_below_min_value")
    if high is not None and value > high:
        message = f"Invalid '{name}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead."
        raise Refused(message, param=name, code=f"{kind}_above_max_value")
