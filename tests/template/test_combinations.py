"""Which parameters are linted together, and that no combination refers to what is not there."""

import json
import re
from itertools import combinations
from typing import Any, Self

import pytest

from scripts import lint_template
from scripts.parameter_choices import CHOICES, Pick, cover, pairs_of, parameters_of
from scripts.resolved_template import PSEUDO, Values, defaults_of, resolved
from tests.template.test_template import TEMPLATE
from tests.template.test_transformed import MADE, parameters_in, walk

PICKS = cover([len(choices) for choices in CHOICES])


def references(value: Any) -> set[str]:
    """Everything that a resolved value names."""
    found = set()
    for inner in walk(value):
        match inner:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                found.add(name)
            case {"Fn::Sub": str(text) | [str(text), *_]}:
                own = set(inner["Fn::Sub"][1]) if isinstance(inner["Fn::Sub"], list) else set()
                found |= {name.partition(".")[0] for name in re.findall(r"\$\{([\w:.]+)\}", text)} - own
    return found


def test_every_parameter_that_decides_something_is_chosen():
    """Whoever adds a condition adds what switches it."""
    deciding = set().union(*(parameters_in(condition) for condition in MADE["Conditions"].values()))
    assert deciding <= {name for choices in CHOICES for values in choices for name in values}


@pytest.mark.parametrize("values", [values for choices in CHOICES for values in choices], ids=str)
def test_what_is_chosen_is_allowed(values: dict[str, str]):
    """By the parameter's own words."""
    for name, value in values.items():
        definition = TEMPLATE["Parameters"][name]
        assert value in map(str, definition.get("AllowedValues", [value]))
        assert re.fullmatch(definition.get("AllowedPattern", ".*"), value)
        assert len(value) <= definition.get("MaxLength", 200)
        assert value != str(definition["Default"])


def test_every_two_come_together():
    """In a number of templates that can be linted, the defaults first."""
    sizes = [len(choices) for choices in CHOICES]
    together = {pair for pick in PICKS for pair in pairs_of(pick)}
    wanted = sum(one * other for one, other in combinations(sizes, 2))
    assert len(together) == wanted
    assert PICKS[0] == (0,) * len(sizes)
    assert len(PICKS) == len(set(PICKS)) <= 16
    assert parameters_of(PICKS[0]) == {}


def test_every_condition_is_seen_both_ways():
    """Else a pattern of the choices is wrong."""
    for name in MADE["Conditions"]:
        known = [{**PSEUDO, **defaults_of(MADE), **parameters_of(pick)} for pick in PICKS]
        assert {Values(MADE["Conditions"], values).holds(name) for values in known} == {True, False}, name


@pytest.mark.parametrize("pick", PICKS)
def test_nothing_refers_to_what_is_not_there(pick: Pick):
    """CloudFormation refuses such a template, and only when it is deployed."""
    made = resolved(MADE, parameters_of(pick))
    for section in ("Resources", "Outputs"):
        for name, one in made[section].items():
            others = references(one) | set(one.get("DependsOn", []))
            assert others - {"AWS::NoValue"} <= set(made["Resources"]), name
    assert not [inner for inner in walk(made) if isinstance(inner, dict) and {"Fn::If", "Condition::"} & set(inner)]
    json.dumps(made)


def test_a_finding_fails(monkeypatch, capsys):
    """And is told with its place; the pool is left out, which would start processes of its own."""
    monkeypatch.setattr(lint_template, "ProcessPoolExecutor", _Here)
    monkeypatch.setattr(lint_template, "findings", lambda parameters: ["E1 here"] if parameters else [])
    assert lint_template.main(["Stage=prod"]) == 1
    assert "FAIL  Stage=prod\n      E1 here\n1 findings." in capsys.readouterr().out
    assert lint_template.main([]) == 1
    told = capsys.readouterr().out
    assert told.startswith("ok  as transformed\nok  defaults\nFAIL")
    assert told.count("\nFAIL") == len(PICKS) - 1


class _Here:
    """A pool without processes."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    map = staticmethod(map)
