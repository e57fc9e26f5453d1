"""Every source of configuration keeps the same contract; what is special about each follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import override

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from gateway_core.adapters.config_sources import open_sources
from gateway_core.adapters.config_sources.appconfig import AppConfigSource
from gateway_core.adapters.config_sources.file import FileSource
from gateway_core.adapters.config_sources.s3 import S3Source
from gateway_core.domain.errors import ConfigError, ConfigUnavailable
from gateway_core.ports import ConfigSource
from local.serving import serve
from tests.contract.appconfig_wire import AppConfigWire
from tests.patience import patience

BUCKET, KEY = "the-config", "gateway/config.yaml"
PROFILE = ("app1234", "env1234", "pro1234")
ONCE = Config(connect_timeout=patience(10), read_timeout=patience(10), retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Place:
    """A source, and how its document is written and taken away."""

    source: ConfigSource
    name: str
    put: Callable[[bytes], object]
    remove: Callable[[], object]


@pytest.fixture
def account(monkeypatch):
    """An AWS account in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.fixture
def file(tmp_path) -> Place:
    path = tmp_path / "config.yaml"
    return Place(FileSource(path), str(path), path.write_bytes, path.unlink)


@pytest.fixture
def s3(account) -> Iterator[Place]:
    with mock_aws():
        client = boto3.client("s3", region_name="eu-central-1")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

        def put(raw: bytes) -> None:
            client.put_object(Bucket=BUCKET, Key=KEY, Body=raw)

        def remove() -> None:
            client.delete_object(Bucket=BUCKET, Key=KEY)

        (source,) = open_sources(f"s3://{BUCKET}/{KEY}")
        yield Place(source, f"s3://{BUCKET}/{KEY}", put, remove)


@pytest.fixture
def wire() -> Iterator[tuple[AppConfigWire, str]]:
    appconfig = AppConfigWire(PROFILE)
    with serve(appconfig.app()) as url:
        yield appconfig, url


@pytest.fixture
def appconfig(account, wire) -> Place:
    service, url = wire

    def put(raw: bytes | None = None) -> None:
        service.deployed = raw

    client = boto3.client("appconfigdata", endpoint_url=url, config=ONCE)
    source = AppConfigSource(*PROFILE, client, poll_s=0)
    return Place(source, "appconfig://" + "/".join(PROFILE), put, put)


@pytest.fixture(params=["file", "s3", "appconfig"])
def place(request) -> Place:
    return request.getfixturevalue(request.param)


def test_a_source_says_what_is_there_now(place):
    """At each call anew, also when nothing has changed, in UTF-8."""
    for text in ("groups: {}\n", "groups: {}\n", "# für später\nreload_s: 5\n", "groups: {}\n"):
        place.put(text.encode())
        assert place.source.read() == text
        assert place.source.read() == text


def test_a_source_has_the_name_that_it_was_given(place):
    """Errors and logs call it by that."""
    assert place.source.name == place.name


def test_what_is_not_there_is_an_error_that_ends(place):
    """It names variable, source and remedy; what comes later is read."""
    with pytest.raises(
        ConfigUnavailable, match=r"^GATEWAY_CONFIG: cannot read .* Name a readable UTF-8 document"
    ) as error:
        place.source.read()
    assert place.name in error.value.message
    place.put(b"groups: {}")
    assert place.source.read() == "groups: {}"
    place.remove()
    with pytest.raises(ConfigUnavailable):
        place.source.read()
    place.put(b"groups: {}")
    assert place.source.read() == "groups: {}"


def test_other_encodings_are_an_error(place):
    """Which does not repeat the document, and leaves the next one readable."""
    place.put(b"hidden: \xff\xfe")
    with pytest.raises(ConfigUnavailable, match="UnicodeDecodeError") as error:
        place.source.read()
    assert "hidden" not in str(error.value)
    place.put(b"a: 1")
    assert place.source.read() == "a: 1"


def test_s3_sends_an_object_once(account):
    """The GET is conditional: what has not changed is not transferred."""
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key=KEY, Body=b"a: 1")
        answers: list[int] = []
        client.meta.events.register(
            "after-call.s3.GetObject", lambda http_response, **_: answers.append(http_response.status_code)
        )
        source = S3Source(BUCKET, KEY, client)
        assert {source.read() for _ in range(3)} == {"a: 1"}
        client.put_object(Bucket=BUCKET, Key=KEY, Body=b"a: 2")
        assert [source.read(), source.read()] == ["a: 2", "a: 2"]
    assert answers == [200, 304, 304, 200, 304]


@pytest.mark.parametrize("kind", ["s3", "appconfigdata"])
def test_an_aws_that_cannot_be_reached_is_an_error(account, kind):
    """With the kind of trouble, not with an address."""
    client = boto3.client(kind, endpoint_url="http://127.0.0.1:1", config=ONCE)
    source = S3Source(BUCKET, KEY, client) if kind == "s3" else AppConfigSource(*PROFILE, client)
    with pytest.raises(ConfigUnavailable, match=r"\(EndpointConnectionError\)"):
        source.read()


def test_appconfig_begins_a_new_session_for_a_spent_one(appconfig, wire):
    """A frozen Lambda may wake up after its token's day."""
    service, _url = wire
    appconfig.put(b"a: 1")
    assert appconfig.source.read() == "a: 1"
    service.expire()
    appconfig.put(b"a: 2")
    assert appconfig.source.read() == "a: 2"
    assert service.calls == ["start", "latest", "latest", "start", "latest"]


class PowertoolsTime(datetime):
    """Stands still; Powertools takes no clock but this module's."""

    passed = timedelta()

    @classmethod
    @override
    def now(cls, tz=None):
        return datetime(2026, 11, 20, 12, tzinfo=tz) + cls.passed


def test_appconfig_is_asked_every_15_seconds_at_most(account, wire, monkeypatch):
    """More often it refuses; in between the last document counts."""
    monkeypatch.setattr("aws_lambda_powertools.utilities.parameters.base.datetime", PowertoolsTime)
    service, url = wire
    service.deployed = b"a: 1"
    source = AppConfigSource(*PROFILE, boto3.client("appconfigdata", endpoint_url=url, config=ONCE))
    for passed_s, asked in ((0, 1), (14.9, 1), (15.1, 2), (30, 2)):
        monkeypatch.setattr(PowertoolsTime, "passed", timedelta(seconds=passed_s))
        assert {source.read() for _ in range(5)} == {"a: 1"}
        assert service.calls == ["start", *["latest"] * asked]


def test_appconfig_names_the_trouble(account, wire):
    """AWS's word for it."""
    _service, url = wire
    client = boto3.client("appconfigdata", endpoint_url=url, config=ONCE)
    with pytest.raises(ConfigUnavailable, match=r"appconfig://x/y/z \(ResourceNotFoundException\)"):
        AppConfigSource("x", "y", "z", client).read()


def test_appconfig_without_a_document(account, wire):
    """A profile whose first answer is empty has nothing deployed."""
    service, url = wire
    service.deployed = b""
    client = boto3.client("appconfigdata", endpoint_url=url, config=ONCE)
    with pytest.raises(ConfigUnavailable, match="nothing is deployed there"):
        AppConfigSource(*PROFILE, client).read()


def test_several_sources(account):
    """Names with commas between them, in order; white space around them does not count."""
    sources = open_sources(" config.yaml, s3://a-bucket/some/key.yaml,appconfig://a/b/c ")
    assert [source.name for source in sources] == ["config.yaml", "s3://a-bucket/some/key.yaml", "appconfig://a/b/c"]
    assert open_sources(" ") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("s3://hidden", "there is no s3:// source of this form. Give a file, s3://bucket/key or appconfig://"),
        ("s3://hidden/", "there is no s3:// source of this form"),
        ("s3://UPPER_hidden/key", "there is no s3:// source of this form"),
        ("appconfig://hidden/x", "there is no appconfig:// source of this form"),
        ("appconfig://hidden/x/y/z", "there is no appconfig:// source of this form"),
        ("https://user:hidden@host/x", "there is no https:// source of this form"),
        ("a.yaml,,b.yaml", "a name is missing before or after a comma"),
        ("a.yaml,", "a name is missing before or after a comma"),
    ],
)
def test_wrong_names_are_refused(text, message):
    """With the variable and the forms that there are; the name itself may hold a secret."""
    with pytest.raises(ConfigError, match=r"^GATEWAY_CONFIG: ") as error:
        open_sources(text)
    assert message in error.value.message
    assert "hidden" not in error.value.message
