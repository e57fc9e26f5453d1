"""What a first deployment meets in an account: rights of who deploys, unknown routes, what is left behind."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from scripts.resolved_template import Values
from tests.template.deployed import ACCOUNT, REGION, Deployed
from tests.template.test_template import ROOT, TEMPLATE
from tests.template.transformed import MADE, RESOURCES, of_type

NOBODYS = re.compile(r"Group|User|Boundary|ServerCertificate")
"""Rights that CloudFormation wants for what this stack has nothing of."""
stack = cache(lambda **parameters: Deployed(parameters))


def asked_by_cloudformation() -> Iterator[str]:
    """Actions of IAM that making, reading, changing and removing what the stack is made of takes."""
    found = find_spec("cfnlint")  # which takes seconds to load, and has CloudFormation's schemas as files
    assert found
    assert found.origin
    schemas = Path(found.origin).parent / "data/schemas"
    names = json.loads((schemas / "providers/us-east-1.json").read_text())
    for kind in sorted({one["Type"] for one in RESOURCES.values()}):
        handlers = json.loads((schemas / f"resources/{names[kind]}.json").read_text()).get("handlers", {})
        for name in ("create", "read", "update", "delete"):
            yield from (right for right in handlers.get(name, {}).get("permissions", ()) if right.startswith("iam:"))


def test_who_deploys_may_do_what_cloudformation_does_in_their_name() -> None:
    """The policy in docs/deploy.md; PowerUserAccess has everything but IAM."""
    page = (ROOT / "docs/deploy.md").read_text()
    blocks = [
        json.loads(text) for text in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if '"iam:CreateRole"' in text
    ]
    (statement,) = blocks[0]["Statement"]
    wanted = {right for right in asked_by_cloudformation() if not NOBODYS.search(right)}
    assert {"iam:CreateRole", "iam:DeletePolicy"} <= wanted
    # The one that PowerUserAccess has.
    assert wanted - {"iam:CreateServiceLinkedRole"} - set(statement["Action"]) == set()


def test_unknown_routes_are_answered_without_a_signature() -> None:
    """API Gateway takes a key for one, where it knows no route: a 403, where there should be a 404."""
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    for path in ("/", "/{proxy+}"):
        (method,) = api["Body"]["paths"][path].items()
        assert method[0] == "x-amazon-apigateway-any-method"
        assert "security" not in method[1]
        assert "${HealthAliaslive}" in method[1]["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]


def test_the_rate_is_that_of_each_route() -> None:
    """API Gateway counts by method: who reads the parameter is told so."""
    for name in ("RequestsPerSecond", "RequestBurst"):
        assert re.search(r"each route|of a route", TEMPLATE["Parameters"][name]["Description"])
    (stage,) = of_type("AWS::ApiGateway::Stage").values()
    assert [one["HttpMethod"] for one in stage["MethodSettings"]] == ["*"]


@pytest.mark.parametrize("source", ["", "s3://the-config/llm/config.yaml", "appconfig://abc1234/def5678/gh90123"])
def test_no_empty_text_is_split(source: str) -> None:
    """What CloudFormation makes of one is said nowhere, and none is the default."""
    values = Values(MADE["Conditions"], {"ConfigSource": source})
    for name, scheme in (("ConfigIsInS3", "s3"), ("ConfigIsInAppConfig", "appconfig")):
        (split,) = [inner["Fn::Split"] for inner in _inside(MADE["Conditions"][name]) if "Fn::Split" in inner]
        text = values.of(split[1])
        assert text
        assert text.split(split[0])[0]
        assert values.holds(name) == source.startswith(scheme)


def _inside(value: object) -> Iterator[dict[str, list[object]]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _inside(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _inside(inner)


def test_a_web_acl_stands_before_the_stage_that_is_called() -> None:
    """Only where one is named."""
    acl = f"arn:aws:wafv2:{REGION}:{ACCOUNT}:regional/webacl/ours/1234abcd"
    assert "ApiWebAcl" not in stack().resources
    api = stack().names["Api"]
    assert stack(WebAclArn=acl).resources["ApiWebAcl"]["Properties"] == {
        "ResourceArn": f"arn:aws:apigateway:{REGION}::/restapis/{api}/stages/{stack().names['ApiliveStage']}",
        "WebACLArn": acl,
    }


@pytest.mark.parametrize(
    ("arn", "fits"),
    [
        ("", True),
        ("arn:aws:wafv2:eu-central-1:123456789012:regional/webacl/ours/1234abcd-12ab", True),
        ("arn:aws:wafv2:us-east-1:123456789012:global/webacl/ours/1234abcd-12ab", False),
        ("arn:aws:waf-regional:eu-central-1:123456789012:webacl/1234abcd", False),
    ],
)
def test_a_web_acl_is_a_regional_one(arn: str, *, fits: bool) -> None:
    """CloudFront's are of another kind."""
    assert bool(re.fullmatch(TEMPLATE["Parameters"]["WebAclArn"]["AllowedPattern"], arn)) == fits


def test_what_was_logged_outlives_the_stack() -> None:
    """For its usual time; a first deployment that fails leaves nothing."""
    group = RESOURCES["LogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert RESOURCES["AccessLogGroup"]["DeletionPolicy"] == "Delete"


def test_lambda_reports_each_invocation() -> None:
    """`platform.report` is on INFO: what was billed, the most memory, the time of an init."""
    for properties in of_type("AWS::Lambda::Function").values():
        assert properties["LoggingConfig"]["SystemLogLevel"] == "INFO"
