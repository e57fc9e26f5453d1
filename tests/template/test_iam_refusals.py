"""What no role may do, and that what decides it here decides as IAM does."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.template.deployed import ACCOUNT, KEY, REGION, SETS, STACK, stack
from tests.template.iam import Asked, Statement, allowed, matches, statements_of
from tests.template.test_template import MAY_READ_KEYS

AT = f"{REGION}:{ACCOUNT}"
READS = ("ssm:GetParametersByPath", "ssm:GetParameter", "ssm:GetParameters", "secretsmanager:GetSecretValue")
ELSEWHERE = (
    Asked("dynamodb:GetItem", f"arn:aws:dynamodb:{AT}:table/any"),
    Asked("events:PutEvents", f"arn:aws:events:{AT}:event-bus/default"),
    Asked("events:PutRule", f"arn:aws:events:{AT}:rule/{STACK}/any"),
    Asked("iam:PassRole", f"arn:aws:iam::{ACCOUNT}:role/{STACK}-CompleteRole-1A2B3C"),
    Asked("kms:Decrypt", f"arn:aws:kms:{AT}:key/another"),
    Asked("kms:Encrypt", KEY),
    Asked("lambda:UpdateAlias", f"arn:aws:lambda:{AT}:function:{STACK}-Complete-1A2B3C:live"),
    Asked("lambda:UpdateFunctionCode", f"arn:aws:lambda:{AT}:function:{STACK}-Complete-1A2B3C"),
    Asked("lambda:InvokeFunction", f"arn:aws:lambda:{AT}:function:somebody-elses"),
    Asked("s3:GetObject", "arn:aws:s3:::the-config/llm/other.yaml"),
    Asked("s3:PutObject", "arn:aws:s3:::the-config/llm/config.yaml"),
    Asked("s3:ListBucket", "arn:aws:s3:::the-config"),
    Asked("secretsmanager:PutSecretValue", f"arn:aws:secretsmanager:{AT}:secret:/{STACK}/store-AbCdEf"),
    Asked("sqs:PurgeQueue", f"arn:aws:sqs:{AT}:{STACK}-Backlog-1A2B3C"),
    Asked("sqs:ReceiveMessage", f"arn:aws:sqs:{AT}:somebody-elses"),
    Asked("ssm:PutParameter", f"arn:aws:ssm:{AT}:parameter/{STACK}/store/UPSTASH_REDIS_REST_URL"),
    Asked("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/any"),
)


def may(chosen: str, asked: Asked) -> set[str]:
    """The functions whose roles may do that."""
    return {name for name, statements in stack(chosen).rights.items() if allowed(statements, asked)}


def secrets(path: str) -> Iterable[Asked]:
    """Reading what is at a path, however one reads."""
    for action in READS:
        kind, name = (
            ("ssm", f"parameter{path}") if action.startswith("ssm") else ("secretsmanager", f"secret:{path}-AbCdEf")
        )
        yield Asked(action, f"arn:aws:{kind}:{AT}:{name}")


@pytest.mark.parametrize("asked", ELSEWHERE, ids=lambda asked: f"{asked.action} {asked.resource.rpartition(':')[2]}")
@pytest.mark.parametrize("chosen", SETS)
def test_what_nobody_may(chosen: str, asked: Asked) -> None:
    """Neither change what is deployed nor reach what is somebody else's."""
    assert may(chosen, asked) == set()


@pytest.mark.parametrize("chosen", ["ssm", "secretsmanager, key of ours"])
def test_who_calls_no_provider_reads_no_key(chosen: str) -> None:
    """Not where it is, not from above, and not one by its name; administration neither."""
    path = f"/{STACK}"
    for below in ("/providers", "/providers/OPENAI_API_KEY"):
        for asked in secrets(f"{path}{below}"):
            assert may(chosen, asked) <= MAY_READ_KEYS, asked
    for asked in secrets(path):
        assert may(chosen, asked) <= MAY_READ_KEYS, asked
    assert "Admin" not in MAY_READ_KEYS


@pytest.mark.parametrize("chosen", ["ssm", "secretsmanager, key of ours"])
def test_keys_that_ask_for_bills_are_read_by_one(chosen: str) -> None:
    """Their path only begins as the others'."""
    for below in ("-billing", "-billing/OPENAI_ADMIN_KEY"):
        for asked in secrets(f"/{STACK}{below}"):
            assert may(chosen, asked) <= {"Invoices"}, asked
    for asked in secrets(f"/{STACK}/providers"):
        assert "Invoices" not in may(chosen, asked)


@pytest.mark.parametrize(
    "path", [f"/{STACK}/storeroom", f"/{STACK}/store2/NAME", f"/{STACK}2/store", "/", f"/x/{STACK}/store"]
)
@pytest.mark.parametrize("chosen", ["ssm", "secretsmanager, key of ours", "prod"])
def test_a_name_that_only_begins_like_ours_is_another(chosen: str, path: str) -> None:
    """A wildcard behind a name would give it away."""
    assert [asked for asked in secrets(path) if may(chosen, asked)] == []


def test_a_stack_with_a_path_of_its_own_reads_no_other() -> None:
    """By default the path is the stack's name: that one is not read any more."""
    assert [asked for asked in secrets(f"/{STACK}/store") if may("prod", asked)] == []


@pytest.mark.parametrize("chosen", SETS)
def test_who_invokes_whom(chosen: str) -> None:
    """The front those that it fronts, /ask the worker, and only what looks at new versions anybody else."""
    deployed = stack(chosen)
    for name in deployed.functions:
        arn = deployed.arn(name)
        by_alias = may(chosen, Asked("lambda:InvokeFunction", f"{arn}:live")) - {"Preflight"}
        fronted = {"Complete", "Stream", "Ask", "Embed", "Tokens", "Usage", "Models", "Health"}
        expected = {"Mcp"} if name in fronted else {"Ask"} if name == "JobWorker" else set()
        assert by_alias == expected, name
        # Whatever was not released is nobody's to call but of who looks at it before.
        for unreleased in (arn, f"{arn}:$LATEST", f"{arn}:7"):
            assert may(chosen, Asked("lambda:InvokeFunction", unreleased)) <= {"Preflight"}, name


def test_schedules_start_what_is_scheduled() -> None:
    """By a role of their own, which the scheduler alone takes, and for this account."""
    deployed = stack("ssm")
    statements = deployed.all_of("ProbeScheduler")
    started = {
        name
        for name in deployed.functions
        if allowed(statements, Asked("lambda:InvokeFunction", f"{deployed.arn(name)}:live"))
    }
    assert started == {"Probe", "Invoices"}
    trust = statements_of(deployed.resources["ProbeScheduler"]["Properties"]["AssumeRolePolicyDocument"])
    for account, may_take in ((ACCOUNT, True), ("999999999999", False)):
        asked = Asked("sts:AssumeRole", "the role", {"aws:SourceAccount": account})
        assert allowed(trust, asked) == may_take


@pytest.mark.parametrize("name", sorted(stack("ssm").functions))
def test_each_role_is_lambdas_alone(name: str) -> None:
    """Nobody else takes the role of a function."""
    (statement,) = stack("ssm").resources[f"{name}Role"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": ["lambda.amazonaws.com"]}
    assert statement["Action"] == ["sts:AssumeRole"]


def test_the_bucket_of_jobs_is_reached_by_tls_alone() -> None:
    """Whatever a role may, the bucket refuses it without."""
    deployed = stack("ssm")
    bucket = statements_of(deployed.resources["JobFilesPolicy"]["Properties"]["PolicyDocument"])
    role = deployed.all_of("AskRole")
    for secure in ("true", "false"):
        asked = Asked("s3:GetObject", f"{deployed.arn('JobFiles')}/alpha/input", {"aws:SecureTransport": secure})
        assert allowed([*role, *bucket], asked) == (secure == "true")


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("arn:aws:s3:::b/*/input", "arn:aws:s3:::b/a/c/input", True),
        ("arn:aws:s3:::b/*/input", "arn:aws:s3:::b/input", False),
        ("secret:/a/store-??????", "secret:/a/store-AbCdEf", True),
        ("secret:/a/store-??????", "secret:/a/store-AbCdEfG", False),
        ("a.c", "abc", False),
        ("a[b]", "ab", False),
        ("*", "", True),
    ],
)
def test_wildcards_are_iams(pattern: str, text: str, fits: bool) -> None:
    """Two of them, and nothing of a regular expression's or a shell's."""
    assert matches(pattern, text) == fits


def test_a_denial_wins_and_silence_is_one() -> None:
    """In any order; actions are the same in any case."""
    allows = Statement("Allow", ("S3:getobject",), ("*",))
    denies = Statement("Deny", ("s3:*",), ("b/*",))
    assert allowed([allows], Asked("s3:GetObject", "b/a"))
    assert not allowed([allows, denies], Asked("s3:GetObject", "b/a"))
    assert allowed([denies, allows], Asked("s3:GetObject", "c/a"))
    assert not allowed([allows], Asked("s3:PutObject", "c/a"))
    assert not allowed([], Asked("s3:GetObject", "b/a"))


def test_what_is_not_known_is_not_passed_over() -> None:
    """A statement that says it otherwise would be judged wrongly."""
    with pytest.raises(ValueError, match="NotAction"):
        Statement.of({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"})
    odd = Statement("Allow", ("*",), ("*",), {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    with pytest.raises(ValueError, match="IpAddress"):
        odd.applies(Asked("s3:GetObject", "b"))
