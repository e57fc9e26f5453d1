"""What the parameter ConfigSource lets the functions read, with CloudFormation's functions worked out."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from gateway_core.adapters.config_sources import open_sources
from scripts.resolved_template import PSEUDO, Values, defaults_of
from tests.template.test_template import FUNCTIONS, TEMPLATE
from tests.template.transformed import MADE, RESOURCES

DEFAULTS = defaults_of(MADE)


def resolve(value: Any, known: Mapping[str, Any]) -> Any:
    """A value as CloudFormation makes it of parameters; NOTHING for AWS::NoValue. Selecting beyond the end raises."""
    return Values(MADE["Conditions"], known).of(value)


def allowed(source: str) -> list[tuple[Any, str]]:
    """Actions and resource of what the parameter adds to what every function may do."""
    policy = RESOURCES["StoreSecrets"]["Properties"]["PolicyDocument"]
    made = resolve(policy, {**PSEUDO, **DEFAULTS, "ConfigSource": source})
    statements = [(statement["Action"], statement["Resource"]) for statement in made["Statement"]]
    return [found for found in statements if not str(found[0]).startswith("ssm:")]


def test_one_object_and_no_other():
    """Reading that object is all that S3 allows."""
    assert allowed("s3://the-config/llm/config.yaml") == [("s3:GetObject", "arn:aws:s3:::the-config/llm/config.yaml")]


def test_one_profile_in_one_environment():
    """Both calls that reading takes."""
    actions = ["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"]
    arn = "arn:aws:appconfig:eu-central-1:123456789012:application/abc1234/environment/def5678/configuration/gh90123"
    assert allowed("appconfig://abc1234/def5678/gh90123") == [(actions, arn)]


def test_nothing_by_default():
    """No statement is left, and none is broken."""
    assert allowed("") == []


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_reads_it(name):
    """One snapshot of the configuration for all of them."""
    assert RESOURCES[name]["Properties"]["Environment"]["Variables"]["GATEWAY_CONFIG"] == {"Ref": "ConfigSource"}


@pytest.mark.parametrize(
    ("source", "fits"),
    [
        ("", True),
        ("s3://the-config/llm/config.yaml", True),
        ("appconfig://abc1234/def5678/gh90123", True),
        ("s3://the-config/*", False),
        ("s3://the-config/a?.yaml", False),
        ("s3://the-config/${aws:username}", False),
        ("s3://the-config", False),
        ("appconfig://my app/env/profile", False),
        ("appconfig://abc/def", False),
        ("s3://a-bucket/a.yaml,s3://b-bucket/b.yaml", False),
        ("config.yaml", False),
    ],
)
def test_names_are_held_to_what_the_policy_can_say(source, fits):
    """No wildcards, and what passes is a source that the gateway knows."""
    assert bool(re.fullmatch(TEMPLATE["Parameters"]["ConfigSource"]["AllowedPattern"], source)) == fits
    if source and fits:
        assert [opened.name for opened in open_sources(source)] == [source]


@pytest.fixture(autouse=True)
def region(monkeypatch):
    """Clients want to know where."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.mark.parametrize(("named", "path"), [("", "/llm-gateway-prod"), ("/of/ours", "/of/ours")])
def test_no_stack_reads_another_ones_secrets_by_a_slip(named, path):
    """One that was deployed without naming the path has its own all the same: in its environment and in its rights."""
    known = {**PSEUDO, **DEFAULTS, "SecretsPath": named}
    environ = RESOURCES["Complete"]["Properties"]["Environment"]["Variables"]
    rooms = [resolve(environ[f"GATEWAY_SECRETS_{name}"], known) for name in ("STORE", "PROVIDERS")]
    assert rooms == [f"ssm:{path}/store", f"ssm:{path}/providers"]
    for secrets_in in ("ssm", "secretsmanager"):
        for policy in ("StoreSecrets", "ProviderSecrets"):
            document = RESOURCES[policy]["Properties"]["PolicyDocument"]
            made = resolve(document, {**known, "SecretsIn": secrets_in})
            arns = [
                arn
                for s in made["Statement"]
                for arn in ([s["Resource"]] if isinstance(s["Resource"], str) else s["Resource"])
            ]
            assert arns
            assert all(re.search(rf"(parameter|secret:){path}($|/)", arn) for arn in arns)
