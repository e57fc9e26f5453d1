"""Calls of AWS over real HTTP: where they go, who signs them, and what becomes of each failure."""

from __future__ import annotations

import json
import select
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import botocore.session
import pytest

from gateway_core.adapters.aws import Account, AwsError, JsonCalls, Timeouts
from gateway_core.adapters.eventbridge import connect
from gateway_core.adapters.secrets import SECRETS_MANAGER, SSM, connector, read_secrets
from tests.aws import AwsServer
from tests.contract.aws_peer import peer
from tests.contract.raw_server import certificates
from tests.patience import patience

KEYS = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "hidden", "AWS_REGION": "eu-central-1"}
DEAF = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"}
OK = (200, b"{}")


def calls(environ: Mapping[str, str], wall_s: Callable[[], float] = lambda: 1_800_000_000.0) -> JsonCalls:
    wait_s = patience(10)
    return JsonCalls(SSM, Account({**KEYS, **environ}), Timeouts(wait_s, wait_s), wall_s)


def told(environ: Mapping[str, str]) -> tuple[str, bool]:
    """What a call that fails says."""
    made = calls(environ)
    with pytest.raises(AwsError) as caught:
        made.call("GetParameters", {"Names": ["x"]})
    made.close()
    assert "hidden" not in repr(caught.value) + str(caught.value.__cause__)
    return caught.value.code, caught.value.passing


@pytest.mark.parametrize("service", [SSM, SECRETS_MANAGER, connect(KEYS)._service], ids=lambda service: service.name)
def test_each_service_is_where_botocore_has_it(service):
    """In all regions that it knows."""
    with warnings.catch_warnings(action="ignore"):  # it is not meant for others
        resolver = botocore.session.Session().get_component("endpoint_resolver")
    partitions = resolver.get_available_partitions()
    regions = [region for name in partitions for region in resolver.get_available_endpoints(service.name, name)]
    regions = [region for region in regions if "fips" not in region]
    assert len(regions) > 30
    for region in regions:
        known = resolver.construct_endpoint(service.name, region)["hostname"]
        found = Account({"AWS_REGION": region}).endpoint(service)
        assert (found.secure, found.authority, found.path) == (True, known, "/")


@pytest.mark.parametrize(
    ("environ", "authority"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, "127.0.0.1:4566"),
        ({"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SSM": "https://[::1]:443/x"}, "[::1]"),
        ({"AWS_ENDPOINT_URL_EVENTBRIDGE": "http://other"}, "ssm.eu-central-1.amazonaws.com"),
        (
            {"AWS_ENDPOINT_URL": "http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
            "ssm.eu-central-1.amazonaws.com",
        ),
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "ssm.us-east-1.amazonaws.com"),
        ({"AWS_REGION": "us-east-2", "AWS_USE_FIPS_ENDPOINT": "true"}, "ssm-fips.us-east-2.amazonaws.com"),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "ssm.eu-central-1.api.aws"),
    ],
)
def test_the_environment_may_name_another_place(environ, authority, monkeypatch):
    """As AWS's SDKs read it."""
    for name, value in {**DEAF, **environ}.items():
        monkeypatch.setenv(name, value)
    assert Account({**KEYS, **environ}).endpoint(SSM).authority == authority


@pytest.mark.parametrize("url", ["ftp://x", "http://", "http://u:hidden@x", "http://x?hidden=1", "http://x:port", "x"])
def test_an_endpoint_that_is_none(url):
    """Not repeated, as it may hold what is private."""
    assert told({"AWS_ENDPOINT_URL": url}) == ("BadEndpoint", False)


@pytest.mark.parametrize("region", ["", "eu central", "eu-central-1.evil.example/"])
def test_a_region_that_is_none(region, monkeypatch):
    """It would be part of a host's name."""
    for name, value in DEAF.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    assert told({"AWS_REGION": region}) == ("NoRegion", False)


def test_a_call_is_one_signed_request():
    """With the session's token; the next one takes the same connection."""
    with peer((200, b'{"Parameters": []}')) as server:
        made = calls({"AWS_ENDPOINT_URL": f"{server.url}/stack", "AWS_SESSION_TOKEN": "the-token"})
        assert [made.call("GetParameters", {"Names": ["é"]}) for _ in range(3)] == [{"Parameters": []}] * 3
        made.close()
    (path, headers, body), *_ = server.asked
    assert (path, json.loads(body), server.connections) == ("/stack", {"Names": ["é"]}, 1)
    assert headers["host"] == server.url.removeprefix("http://")
    assert headers["content-type"] == "application/x-amz-json-1.1"
    assert (headers["x-amz-target"], headers["x-amz-security-token"]) == ("AmazonSSM.GetParameters", "the-token")
    assert headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKID/20270115/eu-central-1/ssm/")


@pytest.mark.parametrize(
    ("answer", "code", "passing"),
    [
        ((400, b'{"__type": "ThrottlingException", "message": "hidden"}'), "ThrottlingException", True),
        ((400, b'{"__type": "com.amazon.x#TooManyRequestsException"}'), "TooManyRequestsException", True),
        ((400, b'{"__type": "AccessDeniedException:http://x/"}'), "AccessDeniedException", False),
        ((400, b'{"__type": "hidden words, as they are"}'), "HTTP 400", False),
        ((400, b"<html>hidden"), "HTTP 400", False),
        ((500, b""), "HTTP 500", True),
        ((429, b"[]"), "HTTP 429", True),
        ((200, b"[]"), "HTTP 200", False),
        ((301, b"{}"), "HTTP 301", False),
        (None, "RemoteDisconnected", True),
        ((200, b" " * (4 * 1024 * 1024 + 1)), "HTTPException", True),
    ],
)
def test_a_refusal_is_told_by_its_code(answer, code, passing):
    """And sent once: whether again, is not this one's to say."""
    with peer(answer) as server:
        assert told({"AWS_ENDPOINT_URL": server.url}) == (code, passing)
    assert len(server.asked) == 1


def test_nobody_listens():
    """Another try may find somebody."""
    with peer(OK) as server:
        url = server.url
    assert told({"AWS_ENDPOINT_URL": url}) == ("ConnectionRefusedError", True)


def test_a_connection_that_ended_is_not_used_again():
    """While the process was frozen, for instance; nor one that was idle for long, or is kept elsewhere."""
    now_s = [0.0]
    with peer(OK) as server:
        made = calls({"AWS_ENDPOINT_URL": server.url}, lambda: now_s[0])
        made.call("GetParameters", {})
        now_s[0] += 31
        made.call("GetParameters", {})
        assert server.connections == 2
        made.close()
        made.call("GetParameters", {})
        assert server.connections == 3
        server.keeps = False
        made.call("GetParameters", {})
        server.keeps = True
        assert select.select([made._kept[0].connection.sock], [], [], patience(10))[0]
        made.call("GetParameters", {})
        assert (server.connections, len(server.asked)) == (4, 5)
        made.close()


def test_only_trusted_certificates_count(tmp_path, monkeypatch):
    """The usual ones, those of SSL_CERT_FILE, or those of AWS_CA_BUNDLE for AWS alone."""
    made = certificates(tmp_path)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with peer(OK, tls=made.server) as server:
        at = {"AWS_ENDPOINT_URL": server.url}
        assert told(at) == ("SSLCertVerificationError", False)
        assert told({**at, "AWS_CA_BUNDLE": str(tmp_path / "none")}) == ("FileNotFoundError", False)
        trusting = calls({**at, "AWS_CA_BUNDLE": str(made.trusted)})
        assert trusting.call("GetParameters", {}) == {}
        trusting.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(made.trusted))
        trusting = calls(at)
        assert trusting.call("GetParameters", {}) == {}
        trusting.close()


def test_credentials_that_no_header_can_hold():
    """Not told with their text."""
    with peer(OK) as server:
        assert told({"AWS_ENDPOINT_URL": server.url, "AWS_SESSION_TOKEN": "a\nhidden"}) == ("BadCredentials", False)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Neither this process's environment nor the machine's has credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in DEAF.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_a_container_has_them_from_its_agent(alone):
    """By boto3, which knows the way: on Fargate, and for functions with SnapStart."""
    found = {"AccessKeyId": "ROLE", "SecretAccessKey": "s", "Token": "t", "Expiration": "2100-01-01T00:00:00Z"}
    with peer((200, json.dumps(found).encode())) as server:
        alone.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{server.url}/role")
        alone.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "let me")
        account = Account({"AWS_REGION": "eu-central-1"})
        keys = [account.credentials() for _ in range(2)]
    assert {(key.key_id, key.secret, key.token) for key in keys} == {("ROLE", "s", "t")}
    assert [(path, headers["authorization"]) for path, headers, _ in server.asked] == [("/role", "let me")]


def test_a_profile_has_them_and_the_region(alone, tmp_path: Path):
    """As boto3 reads it."""
    (path := tmp_path / "config").write_text(
        "[default]\nregion = eu-west-1\naws_access_key_id = MINE\naws_secret_access_key = s\n"
    )
    alone.setenv("AWS_CONFIG_FILE", str(path))
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        alone.delenv(name, raising=False)
    account = Account({})
    assert (account.credentials().key_id, account.credentials().token, account.region()) == ("MINE", None, "eu-west-1")


def test_nobody_has_any(alone):
    """With boto3, and without it."""
    for _ in range(2):
        with pytest.raises(AwsError, match="NoCredentials"):
            Account({"AWS_REGION": "eu-central-1"}).credentials()
        alone.setitem(sys.modules, "botocore.session", None)


def test_a_way_to_credentials_that_fails(alone, tmp_path: Path):
    """By the name of the failure alone."""
    (path := tmp_path / "config").write_text("[default]\naws_access_key_id = hidden\n")
    alone.setenv("AWS_CONFIG_FILE", str(path))
    with pytest.raises(AwsError) as caught:
        Account({}).credentials()
    assert (caught.value.code, str(caught.value)) == ("PartialCredentialsError",) * 2


def test_parameters_come_by_pages(aws: AwsServer):
    """Ten at a time; decrypted, and those directly below."""
    client = aws.client("ssm")
    put = {f"NAME_{number}": f"value {number} é" for number in range(23)}
    for name, value in put.items():
        client.put_parameter(Name=f"/gateway/store/{name}", Value=value, Type="SecureString")
    assert read_secrets(["ssm:/gateway/store"], connector(aws.environ)) == put
