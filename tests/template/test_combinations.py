"""Which parameters are linted together, and that no combination refers to what is not there."""

import json
import re
from functools import cache
from itertools import combinations
from typing import Any, Self

import pytest

from scripts import lint_template
from scripts.parameter_choices import CHOICES, Pick, cover, pairs_of, parameters_of
from scripts.resolved_template import PSEUDO, Values, defaults_of, references, resolved
from tests.template.test_template import TEMPLATE
from tests.template.transformed import MADE, parameters_in, walk

PICKS = cover([len(choices) for choices in CHOICES])


@cache
def made_with(pick: Pick) -> dict[str, Any]:
    """What CloudFormation gets, to be looked at only."""
    return resolved(MADE, parameters_of(pick))


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
    made = made_with(pick)
    for section in ("Resources", "Outputs"):
        for name, one in made[section].items():
            others = references(one) | set(one.get("DependsOn", []))
            assert others - {"AWS::NoValue"} <= set(made["Resources"]), name
    assert not [inner for inner in walk(made) if isinstance(inner, dict) and {"Fn::If", "Condition::"} & set(inner)]
    json.dumps(made)


def test_each_form_has_what_none_before_it_had():
    """Every resource of every combination is linted, with all that it refers to, and none twice for nothing."""
    forms = list(lint_template.forms(MADE, [parameters_of(pick) for pick in PICKS]))
    linted = {json.dumps([name, one], sort_keys=True) for form in forms for name, one in form["Resources"].items()}
    for pick, form in zip(PICKS, forms, strict=True):
        whole = made_with(pick)["Resources"]
        assert {json.dumps([name, one], sort_keys=True) for name, one in whole.items()} <= linted
        assert form["Resources"].items() <= whole.items()
        assert references(form) - {"AWS::NoValue"} <= set(form["Resources"])
    assert len(forms[0]["Resources"]) > 100
    assert sum(len(form["Resources"]) for form in forms[1:]) < 0.7 * len(forms[0]["Resources"]) * len(forms[1:])


def test_a_finding_fails(monkeypatch, capsys):
    """And is told with its place; the pool is left out, which would start processes of its own."""
    monkeypatch.setattr(lint_template, "ProcessPoolExecutor", _Here)
    monkeypatch.setattr(
        lint_template,
        "findings",
        lambda text: ["E1 here"] if '"Conditions"' not in text and "ApiDomain" in text else [],
    )
    monkeypatch.setattr(lint_template, "transform", lambda _: MADE)
    assert lint_template.main(["DomainName=a.example", "CertificateArn=arn"]) == 1
    assert "FAIL  DomainName=a.example CertificateArn=arn\n      E1 here\n1 findings." in capsys.readouterr().out
    assert lint_template.main([]) == 1
    told = capsys.readouterr().out
    assert told.startswith("ok  as transformed\nok  defaults\n")
    assert told.count("\nFAIL") > 1
    assert told.count("\nok") > 1


class _Here:
    """A pool without processes."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    map = staticmethod(map)
