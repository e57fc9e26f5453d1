"""What CloudFormation gets, after SAM's transform, and how tests look into it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from scripts.transform_template import transform

MADE = transform({})
RESOURCES = MADE["Resources"]


def of_type(kind: str, resources: dict[str, Any] = RESOURCES) -> dict[str, Any]:
    """Properties by logical id."""
    return {name: r.get("Properties", {}) for name, r in resources.items() if r["Type"] == kind}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm looks at: one metric, or those that it computes with."""
    if "Metrics" not in alarm:
        return [alarm]
    return [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]


def walk(value: Any) -> Iterator[Any]:
    """Every value inside a value, itself included."""
    yield value
    if isinstance(value, dict):
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def parameters_in(value: Any) -> set[str]:
    """The template's parameters that a value depends on, by name, text or condition."""
    found: set[str] = set()
    for inner in walk(value):
        match inner:
            case {"Ref": str(name)}:
                found.add(name)
            case {"Fn::Sub": str(text) | [str(text), *_]}:
                found.update(re.findall(r"\$\{(\w+)\}", text))
            case {"Fn::If": [str(condition), *_]}:
                found |= parameters_in(MADE["Conditions"][condition])
            case {"Condition": str(condition)}:
                found |= parameters_in(MADE["Conditions"][condition])
    return found & set(MADE["Parameters"])


def operations() -> Iterator[tuple[str, Any]]:
    """Path and integration of every method."""
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    for path, methods in api["Body"]["paths"].items():
        for method in methods.values():
            yield path, method["x-amazon-apigateway-integration"]


def statements() -> Iterator[tuple[str, Any]]:
    """Everything that anybody is allowed, by the role's or policy's logical id; both branches of conditions."""
    for name, policy in of_type("AWS::IAM::ManagedPolicy").items():
        yield from ((name, statement) for statement in _flat(policy["PolicyDocument"]["Statement"]))
    for name, role in of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            yield from ((name, statement) for statement in _flat(policy["PolicyDocument"]["Statement"]))


def _flat(items: list[Any]) -> Iterator[Any]:
    for item in items:
        match item:
            case {"Fn::If": [_, *branches]}:
                yield from _flat(branches)
            case {"Effect": _}:
                yield item
