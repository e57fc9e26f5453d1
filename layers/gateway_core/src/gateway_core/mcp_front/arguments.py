"""The arguments of a tool: a strict schema, its short JSON form for clients, and errors that name the field."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gateway_core.domain.errors import InvalidRequest

_MOST_FAULTS = 3
_MOST_NAME = 64
_UNTOLD = frozenset({"description", "additionalProperties"})


class Arguments(BaseModel):
    """Refuses what it does not know and turns no type into another, as the routes behind it do."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", strict=True, hide_input_in_errors=True, defer_build=True
    )

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Arguments:
        """Raises InvalidRequest that names the wrong fields and quotes no value."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            faults = [_fault(fault["loc"], fault["type"], fault["msg"]) for fault in error.errors(include_url=False)]
            raise InvalidRequest("; ".join(list(dict.fromkeys(faults))[:_MOST_FAULTS]) + ".", schema=True) from None

    def given(self) -> dict[str, Any]:
        """What the client sent, by name; the routes know the defaults."""
        return self.model_dump(exclude_unset=True)

    @classmethod
    def schema_for_clients(cls) -> dict[str, Any]:
        """JSON Schema without what costs tokens and tells nothing: titles, docstrings, null branches and defaults.

        Nor does it say that there are no other arguments: whoever sends one is told by name.
        """
        return {**_schema_of(cls)}


@cache
def _schema_of(arguments: type[Arguments]) -> Mapping[str, Any]:
    """It takes pydantic 2 ms, and half of one to make it short, each time it is asked."""
    schema = {name: part for name, part in arguments.model_json_schema().items() if name not in _UNTOLD}
    properties = {name: _short(field) for name, field in schema.get("properties", {}).items()}
    return {**_short(schema), "properties": properties}


def _fault(location: tuple[str | int, ...], kind: str, reason: str) -> str:
    name = str(location[0])[:_MOST_NAME]
    where = ".".join([name, *(str(step) for step in location[1:] if isinstance(step, int))])
    if kind == "extra_forbidden":
        return f"{where}: there is no such argument"
    return f"{where}: {reason[0].lower()}{reason[1:]}"


def _short(schema: dict[str, Any]) -> dict[str, Any]:
    kept = {name: _part(value) for name, value in schema.items() if name != "title" and value is not None}
    if kept.get("additionalProperties") is True:
        del kept["additionalProperties"]
    branches = [branch for branch in kept.get("anyOf", ()) if branch != {"type": "null"}]
    if len(branches) == 1:
        del kept["anyOf"]
        return {**branches[0], **kept}
    return kept | ({"anyOf": branches} if branches else {})


def _part(value: Any) -> Any:
    if isinstance(value, dict):
        return _short(value)
    return [_part(entry) for entry in value] if isinstance(value, list) else value
