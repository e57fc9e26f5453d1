"""The policies and rules that the documents tell people to copy are ones that AWS takes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from moto.events.models import EventPattern

from tests.documents.fences import fences
from tests.documents.selections import POLICIES
from tests.patience import patience
from tests.template.test_template import Loader

LINTER = Path(sys.executable).with_name("cfn-lint")
(RULE,) = [
    yaml.load(fence.code, Loader)  # noqa: S506 - a SafeLoader with tags
    for fence in fences()
    if fence.page == "docs/events.md" and fence.language == "yaml"
]
EVENTS = [json.loads(fence.code) for fence in fences() if fence.page == "docs/events.md" and fence.language == "json"]
PLACES = {"ACCOUNT": "123456789012", "REGION": "eu-central-1", "OWNER/REPO": "owner/repo"}


def resource(policy):
    """A role that trusts, or a policy that grants."""
    if "Principal" in policy["Statement"][0]:
        return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": policy}}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy}}


def linted(resources, folder):
    """What cfn-lint has against a template of these."""
    template = folder / "template.json"
    template.write_text(json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": resources}))
    command = [LINTER, "--regions", "eu-central-1", "--format", "parseable", "--", template]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience(60), check=False)
    return done.stdout + done.stderr


def policies():
    """Each, with a reader's own names in it."""
    for fence in POLICIES:
        code = fence.code
        for place, real in PLACES.items():
            code = code.replace(place, real)
        yield json.loads(code)


def test_policies_are_sound(tmp_path):
    """Their form, and that there are the actions that they name; so is the rule on the bus of events."""
    found = {f"Policy{number}": resource(policy) for number, policy in enumerate(policies())}
    assert len(found) == 3
    assert linted({**found, **RULE, "Topic": {"Type": "AWS::SNS::Topic"}}, tmp_path) == ""


def test_an_action_that_there_is_not_would_be_told(tmp_path):
    """By its name."""
    policy = next(policy for policy in policies() if "Principal" not in policy["Statement"][0])
    policy["Statement"][0]["Action"] = ["iam:AttachRolePolicies"]
    assert "attachrolepolicies" in linted({"Policy": resource(policy)}, tmp_path).lower()


@pytest.mark.parametrize(("percent", "is_sent"), [(50, False), (80, True), (100, True)])
def test_the_rule_takes_the_events_that_it_is_for(percent, is_sent):
    """Those of a budget that has reached 80 % or more, as docs/events.md shows such an event."""
    (rule,) = RULE.values()
    pattern = EventPattern.load(json.dumps(rule["Properties"]["EventPattern"]))
    (event,) = [event for event in EVENTS if event["detail-type"] == "budget.threshold"]
    told = {**event, "detail": {**event["detail"], "percent": percent}}
    assert pattern.matches_event(told) is is_sent
    assert not pattern.matches_event({**told, "detail-type": "request.cost"})
