"""What takes a release back: soon where a new version fails, and not for what happens every day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from tests.template.deployed import Deployed
from tests.template.test_template import FUNCTIONS
from tests.template.transformed import MADE

GUARDS = {"ServerErrorsAlarm", "StreamErrorsAlarm", "UnsettledShareAlarm"}
stack = cache(lambda stage: Deployed({"Stage": stage}))


def guards(stage: str, name: str) -> set[str]:
    """The alarms that a function's deployments heed."""
    properties = stack(stage).resources[f"{name}DeploymentGroup"]["Properties"]["AlarmConfiguration"]
    assert properties["Enabled"] is True
    named = [alarm["Name"] for alarm in properties["Alarms"]]
    assert len(named) == len(set(named)) <= 10  # as many as CodeDeploy takes, and none twice
    by_name = {physical: name for name, physical in stack(stage).names.items()}
    return {by_name[one] for one in named}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_release_heeds_what_happens_to_all_and_a_canary_its_own_errors_too(name: str):
    """Only in prod is there a canary, and only a canary has errors of its own."""
    assert guards("dev", name) == guards("staging", name) == GUARDS
    assert guards("prod", name) == GUARDS | {f"{name}VersionAlarm"}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_version_that_fails_is_noticed_in_its_first_minute(name: str):
    """By the function's errors on that version through the alias: the first in a minute is one too many."""
    alarm = stack("prod").resources[f"{name}VersionAlarm"]["Properties"]
    assert (alarm["Namespace"], alarm["MetricName"], alarm["Statistic"]) == ("AWS/Lambda", "Errors", "Sum")
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 60
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (1, "GreaterThanOrEqualToThreshold")
    function = stack("prod").names[name]
    dimensions = {one["Name"]: one["Value"] for one in alarm["Dimensions"]}
    assert dimensions == {"FunctionName": function, "Resource": f"{function}:live", "ExecutedVersion": "1"}
    written = {
        one["Name"]: one["Value"] for one in MADE["Resources"][f"{name}VersionAlarm"]["Properties"]["Dimensions"]
    }
    alias = MADE["Resources"][f"{name}Aliaslive"]["Properties"]
    assert written["ExecutedVersion"] == alias["FunctionVersion"]


@pytest.mark.parametrize("stage", ["dev", "staging", "prod"])
def test_no_alarm_that_is_paid_without_a_canary(stage: str):
    """They would never have a value."""
    found = [name for name in stack(stage).resources if name.endswith("VersionAlarm")]
    assert len(found) == (len(FUNCTIONS) if stage == "prod" else 0)


def percent(alarm: str, **values: float) -> float:
    """What the alarm's expression makes of the sums of five minutes."""
    (expression,) = [one["Expression"] for one in metrics(alarm) if "Expression" in one]
    known = {"IF": lambda holds, yes, no: yes if holds else no, "MAX": max, "FILL": lambda value, _: value, **values}
    assert re.fullmatch(r"[\w\s>=*/,.()\[\]]+", expression)
    return float(eval(expression, {"__builtins__": {}}, known))  # noqa: S307 - words of CloudWatch, from the template


def metrics(alarm: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = stack("prod").resources[alarm]["Properties"]["Metrics"]
    return found


@pytest.mark.parametrize(
    ("broken", "streams", "goes_off"),
    [
        (0, 10, False),
        (4, 4, False),  # too few to say anything
        (5, 5, True),
        (5, 0, True),  # counted by nobody else yet
        (5, 249, True),
        (5, 251, False),
        (60, 15_000, False),  # a provider's everyday breaks
        (1_500, 15_000, True),  # all streams of a canary
    ],
)
def test_streams_that_break_off_are_a_share_of_all(broken: float, streams: float, goes_off: bool):
    """Of many streams some break off every day, which is no reason to refuse a release."""
    assert _goes_off("StreamErrorsAlarm", percent("StreamErrorsAlarm", broken=broken, streams=streams)) == goes_off


@pytest.mark.parametrize(
    ("lost", "requests", "goes_off"),
    [(2, 2, False), (3, 3, True), (3, 149, True), (3, 151, False), (1_500, 15_000, True), (30, 15_000, False)],
)
def test_usage_that_is_lost_is_a_share_of_all(lost: float, requests: float, goes_off: bool):
    """A release is refused for what it loses by itself; whoever is told of alarms hears of each."""
    assert _goes_off("UnsettledShareAlarm", percent("UnsettledShareAlarm", lost=lost, requests=requests)) == goes_off
    told = Deployed({"AlarmTopicArn": "arn:aws:sns:eu-central-1:123456789012:ops"}).resources["UnsettledUsageAlarm"]
    assert (told["Properties"]["Threshold"], told["Properties"]["Statistic"]) == (1, "Sum")


def _goes_off(name: str, value: float) -> bool:
    properties = stack("prod").resources[name]["Properties"]
    assert properties["ComparisonOperator"] == "GreaterThanThreshold"
    assert properties["TreatMissingData"] == "notBreaching"
    return bool(value > properties["Threshold"])


@pytest.mark.parametrize(
    ("alarm", "counted"),
    [
        ("StreamErrorsAlarm", {"broken": ("StreamErrors", "Sum"), "streams": ("TimeToFirstToken", "SampleCount")}),
        ("UnsettledShareAlarm", {"lost": ("UnsettledUsage", "Sum"), "requests": ("Requests", "Sum")}),
    ],
)
def test_a_share_is_of_what_it_says(alarm: str, counted: Mapping[str, tuple[str, str]]):
    """Every stream that ends has told its first token's time once; one value is returned, the share."""
    stats = {one["Id"]: one["MetricStat"] for one in metrics(alarm) if "MetricStat" in one}
    assert {name: (stat["Metric"]["MetricName"], stat["Stat"]) for name, stat in stats.items()} == counted
    assert {stat["Period"] for stat in stats.values()} == {300}
    assert [one["Id"] for one in metrics(alarm) if one.get("ReturnData", True)] == ["share"]
