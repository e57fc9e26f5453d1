"""`scripts/versions.py`: old versions go when nothing can run on them, and the way back is to what was there before."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from scripts import versions
from scripts.version_plan import MARGIN, Function, left_over, stale, way_back
from scripts.versions import main
from tests.aws import client_of

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
HOUR, STREAM, JOB = timedelta(hours=1), timedelta(seconds=870), timedelta(hours=25)


def function(live: int, *ages_h: float, longest: timedelta = STREAM, beside: frozenset[int] = frozenset()) -> Function:
    """One with versions from 1 on, published so many hours ago."""
    published = {number: NOON - age * HOUR for number, age in enumerate(ages_h, 1)}
    return Function("stream", live, published, longest, beside)


@pytest.mark.parametrize(
    ("known", "keep", "gone"),
    [
        (function(4, 90, 60, 30, 2), 1, (2, 1)),
        (function(4, 90, 60, 30, 2), 0, (3, 2, 1)),
        (function(4, 90, 60, 30, 2), 5, ()),
        (function(4, 90, 60, 30, 1), 1, ()),  # streams may run on those before
        (function(4, 90, 60, 30, 2, longest=JOB), 1, ()),  # and jobs for a day
        (function(4, 90, 60, 50, 27, longest=JOB), 1, (2, 1)),
        (function(2, 90, 60, 30, 2), 0, (1,)),  # what was taken back stays
        (function(3, 90, 60, 30, 2, beside=frozenset({4})), 0, ()),  # a canary is under way
        (function(1, 90), 0, ()),
    ],
)
def test_what_can_go(known: Function, keep: int, gone: tuple[int, ...]) -> None:
    """Only what is older, and when the one in service is there for long enough."""
    assert stale(known, NOON, keep) == gone


@pytest.mark.parametrize(
    ("known", "gone"),
    [
        (function(2, 90, 60, 30, 1), (3,)),  # streams may run on the fourth
        (function(2, 90, 60, 30, 2), (3, 4)),
        (function(4, 90, 60, 30, 2), ()),
        (function(3, 90, 60, 30, 2, beside=frozenset({4})), ()),
    ],
)
def test_what_a_release_left_that_was_taken_back(known: Function, gone: tuple[int, ...]) -> None:
    """In the way of the same release once more."""
    assert left_over(known, NOON) == gone


@pytest.mark.parametrize(
    ("known", "since_h", "number"),
    [
        (function(3, 90, 60, 1), 2, 2),
        (function(3, 90, 60, 3), 2, None),  # the last release left it alone
        (function(1, 1), 2, None),
        (function(2, 90, 1, 0.5), 2, 1),
    ],
)
def test_the_way_back(known: Function, since_h: float, number: int | None) -> None:
    """One version, for what the last releases changed."""
    assert way_back(known, NOON - since_h * HOUR) == number


@given(
    st.lists(st.floats(0, 1000), min_size=1, max_size=12).map(lambda ages: sorted(ages, reverse=True)),
    st.data(),
    st.integers(0, 3),
)
def test_nothing_goes_that_somebody_needs(ages: list[float], data: st.DataObject, keep: int) -> None:
    """Neither what is in service nor what is kept, nor anything while a call may run that began before."""
    live = data.draw(st.integers(1, len(ages)))
    known = function(live, *ages)
    gone = {*stale(known, NOON, keep), *left_over(known, NOON)}
    assert live not in gone
    assert len([number for number in known.before if number not in gone]) >= min(keep, len(known.before))
    assert all(ages[live - 1] * HOUR > STREAM + MARGIN for number in gone if number < live)
    assert all(ages[number - 1] * HOUR > STREAM + MARGIN for number in gone)


class Account:
    """moto's Lambda, and a stack of which moto has only the names: `clients` is boto3's, as the script takes it."""

    def __init__(self) -> None:
        self.by_lambda = client_of("lambda")
        role = client_of("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")
        self.role = role["Role"]["Arn"]
        self.resources: list[dict[str, str]] = [{"ResourceType": "AWS::SQS::Queue", "PhysicalResourceId": "queue"}]

    def clients(self, service: str) -> Any:
        return self if service == "cloudformation" else self.by_lambda

    def get_paginator(self, _: str) -> Account:
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 - boto3's
        assert StackName == "the-stack"
        return [{"StackResourceSummaries": self.resources}]

    def make(self, name: str, count: int, live: int | None) -> None:
        """A function with so many versions, of which one is in service."""
        self.resources.append({"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": name})
        code = {"ZipFile": code_of(name)}
        self.by_lambda.create_function(
            FunctionName=name, Runtime="python3.13", Role=self.role, Handler="a.b", Code=code, Timeout=870
        )
        for number in range(count):
            self.by_lambda.update_function_code(FunctionName=name, ZipFile=code_of(f"{name} {number}"))
            self.by_lambda.publish_version(FunctionName=name)
        if live:
            self.by_lambda.create_alias(FunctionName=name, Name="live", FunctionVersion=str(live))

    def there(self, name: str) -> list[str]:
        return [one["Version"] for one in self.by_lambda.list_versions_by_function(FunctionName=name)["Versions"]][1:]

    def live(self, name: str) -> str:
        return str(self.by_lambda.get_alias(FunctionName=name, Name="live")["FunctionVersion"])


def code_of(text: str) -> bytes:
    """A zip file with something in it."""
    with zipfile.ZipFile(made := io.BytesIO(), "w") as file:
        file.writestr("a.py", text)
    return made.getvalue()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """With three functions: one that is new, one with a past, one that nobody released."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        made = Account()
        made.make("Health", 1, 1)
        made.make("Stream", 4, 3)
        made.make("Preflight", 1, None)
        yield made


def later(hours: float) -> datetime:
    return datetime.now(UTC) + hours * HOUR


def test_what_there_is(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each that has the alias."""
    assert main(["the-stack"], account.clients, later(5)) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Health  1, published 5 h ago",
        "Stream  3, published 5 h ago  before: 2, 1; taken back: 4",
    ]


def test_old_versions_go(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """Shown first, then done; the one before stays, and what was taken back unless it is asked for."""
    assert main(["the-stack", "prune"], account.clients, later(5)) == 0
    assert "    delete 1\nNothing was changed: repeat it with --yes.\n" in capsys.readouterr().out
    assert account.there("Stream") == ["1", "2", "3", "4"]
    assert main(["the-stack", "prune", "--yes"], account.clients, later(1)) == 0
    assert account.there("Stream") == ["1", "2", "3", "4"]
    assert main(["the-stack", "prune", "--yes"], account.clients, later(5)) == 0
    assert account.there("Stream") == ["2", "3", "4"]
    assert main(["the-stack", "prune", "--keep", "0", "--taken-back", "--yes"], account.clients, later(5)) == 0
    assert account.there("Stream") == ["3"]
    assert account.there("Health") == ["1"]


def test_what_cloudformation_holds_stays(account: Account) -> None:
    """After somebody went back it has the version that was left, and goes back to it if an update fails."""
    arn = "arn:aws:lambda:eu-central-1:123456789012:function"
    account.resources += [
        {"ResourceType": "AWS::Lambda::Version", "PhysicalResourceId": f"{arn}:{name}"}
        for name in ("Stream:4", "Stream:1", "Health:1", "AnotherStream:2")
    ]
    account.resources.append({"ResourceType": "AWS::Lambda::Version"})  # that is just being made
    assert main(["the-stack", "prune", "--keep", "0", "--taken-back", "--yes"], account.clients, later(5)) == 0
    assert account.there("Stream") == ["1", "3", "4"]


def test_going_back(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """Every function that was released since then, at once; none that was not."""
    assert main(["the-stack", "back", "--since", "2h", "--yes"], account.clients, later(3)) == 0
    assert account.live("Stream") == "3"
    assert main(["the-stack", "back", "--since", "4h"], account.clients, later(3)) == 0
    assert account.live("Stream") == "3"
    assert "    back to 2\n" in capsys.readouterr().out
    assert main(["the-stack", "back", "--since", "1d", "--yes"], account.clients, later(3)) == 0
    assert (account.live("Stream"), account.live("Health")) == ("2", "1")


def test_what_aws_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    """By its word for it; its text may name the account."""

    def refusing(_: str) -> Any:
        raise ClientError({"Error": {"Code": "ValidationError", "Message": "hidden"}}, "ListStackResources")

    assert main(["no-such-stack"], refusing) == 1
    assert capsys.readouterr().err == "Stopped: ValidationError at ListStackResources.\n"


def test_a_durable_function_is_waited_for_as_long_as_it_may_run() -> None:
    """Not for one invocation of it."""

    class Client:
        def get_alias(self, **_: str) -> dict[str, Any]:
            return {"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {"3": 0.1}}}

        def get_paginator(self, _: str) -> Client:
            return self

        def paginate(self, **_: str) -> list[dict[str, Any]]:
            entry = {"Timeout": 900, "LastModified": "2026-11-29T11:00:00.000+0000"}
            durable = {**entry, "DurableConfig": {"ExecutionTimeout": 90_000}}
            return [{"Versions": [{"Version": "$LATEST", **durable}, *({"Version": n, **entry} for n in "123")]}]

    (found,) = versions._function("worker", frozenset(), Client())
    assert found == Function(
        "worker", 2, dict.fromkeys((1, 2, 3), NOON - HOUR), timedelta(seconds=90_000), frozenset({3})
    )


@pytest.mark.parametrize("age", ["2", "0h", "2w", "-1h", json.dumps("2h")])
def test_an_age_that_is_none(age: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says how to write one."""
    with pytest.raises(SystemExit):
        main(["the-stack", "back", f"--since={age}"])
    assert "write 30m, 2h or 1d" in capsys.readouterr().err
