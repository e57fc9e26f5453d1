"""IAM's decision, as far as this stack's policies go: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html.

What it does not know it refuses to evaluate, so that no condition passes unseen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

_KNOWN = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One action on one resource, by its ARN; `context` are the condition keys that are told with it."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """One of a policy's, with its wildcards."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> Statement:
        """Raises ValueError for what is not known here, as NotAction is."""
        if unknown := written.keys() - _KNOWN:
            raise ValueError(f"{sorted(unknown)} of a statement is not evaluated here.")
        return cls(
            written["Effect"],
            tuple(_listed(written["Action"])),
            tuple(_listed(written.get("Resource", "*"))),
            written.get("Condition", {}),
        )

    def applies(self, asked: Asked) -> bool:
        """Whether it says anything about that. Raises ValueError for an operator that is not known here."""
        return (
            any(matches(pattern.lower(), asked.action.lower()) for pattern in self.actions)
            and any(matches(pattern, asked.resource) for pattern in self.resources)
            and all(_holds(name, wanted, asked.context) for name, wanted in self.conditions.items())
        )

    def parts(self) -> Iterator[Statement]:
        """Each action on each resource by itself."""
        for action in self.actions:
            for resource in self.resources:
                yield Statement(self.effect, (action,), (resource,), self.conditions)


def statements_of(document: Mapping[str, Any]) -> list[Statement]:
    """All of a policy's document."""
    return [Statement.of(written) for written in document["Statement"]]


def allowed(statements: Iterable[Statement], asked: Asked) -> bool:
    """Some statement allows it and none denies it."""
    effects = {statement.effect for statement in statements if statement.applies(asked)}
    return effects == {"Allow"}


def matches(pattern: str, text: str) -> bool:
    """`*` is anything, slashes and colons as well, and `?` any one character."""
    return _pattern(pattern).fullmatch(text) is not None


@cache
def _pattern(wildcards: str) -> re.Pattern[str]:
    parts = re.split(r"([*?])", wildcards)
    return re.compile("".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts), re.DOTALL)


def _holds(operator: str, wanted: Mapping[str, str], context: Mapping[str, str]) -> bool:
    if operator not in {"Bool", "StringEquals"}:
        raise ValueError(f"The condition {operator} is not evaluated here.")
    return all(context.get(key) == value for key, value in wanted.items())


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
