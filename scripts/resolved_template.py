"""What CloudFormation makes of a transformed template for given parameters: conditions decided, parameters put in.

References to resources stay as they are: only CloudFormation knows what becomes of them. A linter sees a dangling one
here, and a branch that is wrong, where in the template itself it has to guess which conditions go together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

NOTHING = object()
"""What AWS::NoValue is."""
PSEUDO: Mapping[str, str] = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-central-1",
    "AWS::StackName": "llm-gateway-prod",
    "AWS::URLSuffix": "amazonaws.com",
}
_NAMED = re.compile(r"\$\{([\w:.]+)\}")


def resolved(made: Mapping[str, Any], parameters: Mapping[str, str]) -> dict[str, Any]:
    """The template for these values, on top of its defaults. Raises KeyError for a condition that is not there.

    Resources and outputs whose condition does not hold are gone, as are parameters, rules and conditions.
    """
    known = {**PSEUDO, **defaults_of(made), **parameters}
    values = Values(made.get("Conditions", {}), known)
    found = {name: value for name, value in made.items() if name not in {"Parameters", "Conditions", "Rules"}}
    for section in ("Resources", "Outputs"):
        there = {name: one for name, one in made.get(section, {}).items() if values.holds(one.get("Condition"))}
        found[section] = {
            name: {key: values.of(value) for key, value in one.items() if key != "Condition"}
            for name, one in there.items()
        }
    return found


def references(value: Any) -> set[str]:
    """Everything that a value still names, and only CloudFormation knows."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
            return {name}
        case {"Fn::Sub": [str(text), dict(own)]}:
            return _named_in(text) - set(own) | references(own)
        case {"Fn::Sub": str(text)}:
            return _named_in(text)
        case dict():
            depends = value.get("DependsOn", [])
            also = {depends} if isinstance(depends, str) else set(depends)
            return also.union(*map(references, value.values()))
        case list():
            return set[str]().union(*map(references, value))
    return set()


def _named_in(text: str) -> set[str]:
    return {name.partition(".")[0] for name in _NAMED.findall(text)}


def defaults_of(made: Mapping[str, Any]) -> dict[str, str]:
    """The parameters' defaults, as CloudFormation sees them: text, also of numbers."""
    return {name: str(one.get("Default", "")) for name, one in made["Parameters"].items()}


@dataclass(frozen=True, slots=True)
class Values:
    """Works out values of a template; `known` are parameters and pseudo parameters, and whatever else has a value."""

    conditions: Mapping[str, Any]
    known: Mapping[str, Any]

    def holds(self, condition: str | None) -> bool:
        """Whether the condition of that name does; none always holds."""
        return condition is None or bool(self.of(self.conditions[condition]))

    def of(self, value: Any) -> Any:
        """The value, or NOTHING. Raises IndexError where a part is selected that is not there, in either branch."""
        if isinstance(value, list):
            return [made for item in value if (made := self.of(item)) is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, inner),) = value.items()
            if name in _INTRINSICS and not (name == "Condition" and not isinstance(inner, str)):
                return _INTRINSICS[name](self, inner)
        return {name: made for name, inner in value.items() if (made := self.of(inner)) is not NOTHING}


def _ref(values: Values, name: str) -> Any:
    if name == "AWS::NoValue":
        return NOTHING
    return values.known.get(name, {"Ref": name})


def _get_att(values: Values, path: Any) -> Any:
    parts = path.split(".", 1) if isinstance(path, str) else path
    return values.known.get(".".join(parts), {"Fn::GetAtt": parts})


def _sub(values: Values, value: Any) -> Any:
    """A text; where it names what only CloudFormation knows, what is left of the function."""
    text, more = (value, {}) if isinstance(value, str) else value
    named = {name: values.of(inner) for name, inner in more.items()}
    known = {**values.known, **{name: inner for name, inner in named.items() if isinstance(inner, str)}}
    made = _NAMED.sub(lambda found: str(known.get(found[1], found[0])), text)
    left = {name: inner for name, inner in named.items() if not isinstance(inner, str)}
    if left:
        return {"Fn::Sub": [made, left]}
    return {"Fn::Sub": made} if _NAMED.search(made) else made


def _if(values: Values, value: Any) -> Any:
    # Both branches are worked out, as CloudFormation may: a part that does not exist is an error in either.
    yes, no = (values.of(branch) for branch in value[1:])
    return yes if values.holds(value[0]) else no


def _join(values: Values, value: Any) -> Any:
    parts = values.of(value[1])
    return value[0].join(parts) if all(isinstance(part, str) for part in parts) else {"Fn::Join": [value[0], parts]}


def _select(values: Values, value: Any) -> Any:
    return values.of(value[1])[int(value[0])]


def _split(values: Values, value: Any) -> Any:
    return values.of(value[1]).split(value[0])


_INTRINSICS: Mapping[str, Callable[[Values, Any], Any]] = {
    "Condition": Values.holds,
    "Fn::And": lambda values, parts: all(values.of(part) for part in parts),
    "Fn::Equals": lambda values, pair: str(values.of(pair[0])) == str(values.of(pair[1])),
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Not": lambda values, parts: not values.of(parts[0]),
    "Fn::Or": lambda values, parts: any(values.of(part) for part in parts),
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Ref": _ref,
}
