"""What Amazon Bedrock takes of AWS: one right for who waits for models, one for the probe, none while it is off."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.resolved_template import PSEUDO
from tests.template.test_jobs import DEFAULTS, MADE, RESOURCES, TEMPLATE, named, resolve

CALLERS = {"Ask", "Complete", "JobWorker", "Stream"}
OFF: dict[str, Any] = {**PSEUDO, **DEFAULTS, "Bedrock": "off"}


def test_it_is_off_unless_it_is_asked_for() -> None:
    """And then two policies are all that comes."""
    assert TEMPLATE["Parameters"]["Bedrock"]["Default"] == "off"
    assert resolve(MADE["Conditions"]["HasBedrock"], OFF) is False
    assert resolve(MADE["Conditions"]["HasBedrock"], {**OFF, "Bedrock": "on"}) is True
    came = [name for name, one in RESOURCES.items() if one.get("Condition") == "HasBedrock"]
    assert came == ["BedrockCaller", "BedrockLister"]


def test_who_waits_for_models_may_ask_them() -> None:
    """Any model and any profile of the account, and nothing else there; nobody but they."""
    (statement,) = RESOURCES["BedrockCaller"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
    kinds = [one["Fn::Sub"].partition(":bedrock:*:")[2] for one in statement["Resource"]]
    account = "${AWS::AccountId}"
    profiles = [f"{account}:inference-profile/*", f"{account}:application-inference-profile/*"]
    assert kinds == [":foundation-model/*", *profiles]
    have = {name for name, one in RESOURCES.items() if "BedrockCaller" in named(one)}
    assert have == {f"{name}Role" for name in CALLERS}


def test_the_probe_may_list_models_and_call_none() -> None:
    """Nobody else may, and while it is off the probe may not either."""
    (statement,) = RESOURCES["BedrockLister"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement == {"Effect": "Allow", "Action": "bedrock:ListFoundationModels", "Resource": "*"}
    assert {name for name, one in RESOURCES.items() if "BedrockLister" in named(one)} == {"ProbeRole"}
    off = {"Fn::If": ["HasBedrock", {"Ref": "BedrockLister"}, {"Ref": "AWS::NoValue"}]}
    assert off in RESOURCES["ProbeRole"]["Properties"]["ManagedPolicyArns"]


@pytest.mark.parametrize(("chosen", "region"), [("off", ""), ("on", {"Ref": "AWS::Region"})])
def test_they_are_told_where_it_is(chosen: str, region: Any) -> None:
    """Nothing turns it on where it is off, and a version is released where it changes."""
    told = {
        name: one["Properties"]["Environment"]["Variables"].get("BEDROCK_REGION")
        for name, one in RESOURCES.items()
        if one["Type"] == "AWS::Lambda::Function"
    }
    assert {name for name, value in told.items() if value} == CALLERS
    for value in filter(None, told.values()):
        condition, when_on, when_off = value["Fn::If"]
        assert condition == "HasBedrock"
        assert (when_on if chosen == "on" else when_off) == region
