"""A gateway that is called over HTTP: who signs, what is sent, and what refusals become."""

import argparse
import io
import json
import ssl
import sys
from datetime import UTC, datetime

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway_core.adapters.aws.account import Account
from gateway_core.cli.answers import CommandError, Exit, GatewayAway, GatewayRefused, UsageError
from gateway_core.cli.calling import AwsSigner, Gateway, KeySigner, administrator, caller
from gateway_core.cli.faults import fault
from gateway_core.config.client_environment import Address, address, simulator
from gateway_core.domain.errors import ConfigError

AWS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "session"}
HERE = Address("http://127.0.0.1:8787", is_here=True)
ON_AWS = Address("https://abc123.execute-api.eu-central-1.amazonaws.com/live", is_here=False)
ELSEWHERE = Address("https://llm.example.com", is_here=False)
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


async def verify(request: Request) -> Response:
    """As API Gateway's authorizer does: signs what came, and compares."""
    sent = dict(request.headers)
    names = sent["authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    signed = {name: sent[name] for name in names if name not in {"x-amz-date", "x-amz-security-token"}}
    anew = AWSRequest(request.method, str(request.url), headers=signed, data=await request.body())
    anew.context["timestamp"] = sent["x-amz-date"]
    region = sent["authorization"].split("/")[2]
    signer = SigV4Auth(Credentials(*AWS.values()), "execute-api", region)
    signer._modify_request_before_signing(anew)
    right = signer.signature(signer.string_to_sign(anew, signer.canonical_request(anew)), anew)
    ok = sent["authorization"].endswith(f"Signature={right}") and {"host", "content-type"} <= {*names}
    return JSONResponse({"ok": ok, "region": region, "url": str(request.url)})


def gateway(answer, at=ELSEWHERE, signer=None):
    methods = ["GET", "POST", "PATCH", "DELETE"]
    app = Starlette(routes=[Route("/{path:path}", answer, methods=methods)])
    return Gateway(at, signer, httpx.ASGITransport(app))


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(("at", "region"), [(ON_AWS, "eu-central-1"), (ELSEWHERE, "us-east-1")])
async def test_what_is_signed_for_aws_is_what_botocore_signs(method, at, region):
    """Whatever is asked; the region is the URL's, or the environment's for a domain of one's own."""
    signer = AwsSigner(Account(AWS | {"AWS_REGION": "us-east-1"}), lambda: AT)
    body = {"name": "é"} if method == "PATCH" else None
    query = {"user_id": "a b&c=é/~", "project_id": "alpha"}
    found = await gateway(verify, at, signer).call(method, "/admin/keys", body, query)
    assert (found["ok"], found["region"]) == (True, region)
    assert found["url"].startswith(f"{at.url}/admin/keys?project_id=alpha&user_id=a%20b%26c%3D")


def test_who_cannot_sign_is_told_why(monkeypatch, tmp_path):
    """Before anything is sent. boto3 finds nothing either."""
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in (*AWS, "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="no AWS credentials"):
        AwsSigner(Account({})).headers(ON_AWS.url, None, "")
    with pytest.raises(UsageError, match="Set AWS_REGION"):
        AwsSigner(Account(AWS)).headers(ELSEWHERE.url, None, "")


def options(key=None):
    return argparse.Namespace(key=key)


def test_who_administers(monkeypatch):
    """The key that is named; on this machine the development key; else AWS credentials, and never a key by accident."""
    environ = {"GATEWAY_DEV_KEY": "gk_dev_local", "ADMIN": " gk_ops_x\n", "GATEWAY_KEY": "gk_alpha_x"}
    assert isinstance(administrator(options(), environ, ELSEWHERE), AwsSigner)
    assert key_of(administrator(options(), environ, HERE)) == "gk_dev_local"
    assert key_of(administrator(options("ADMIN"), environ, ELSEWHERE)) == "gk_ops_x"
    monkeypatch.setattr(sys, "stdin", io.StringIO("gk_ops_y\nthe question"))
    assert key_of(administrator(options("-"), environ, ELSEWHERE)) == "gk_ops_y"
    assert sys.stdin.read() == "the question"
    with pytest.raises(UsageError, match="Set GATEWAY_DEV_KEY"):
        administrator(options(), {}, HERE)
    with pytest.raises(UsageError, match="NOT_THERE is not set"):
        administrator(options("NOT_THERE"), environ, HERE)
    with pytest.raises(UsageError, match="no key on standard input"):
        administrator(options("-"), environ, HERE)


def test_who_asks():
    """The environment's key; the development key goes to this machine only."""
    environ = {"GATEWAY_DEV_KEY": "gk_dev_local"}
    assert key_of(caller(options(), environ | {"GATEWAY_KEY": "gk_alpha_x"}, HERE)) == "gk_alpha_x"
    assert key_of(caller(options("GATEWAY_DEV_KEY"), environ, ELSEWHERE)) == "gk_dev_local"
    assert key_of(caller(options(), environ, HERE)) == "gk_dev_local"
    with pytest.raises(UsageError, match="Set GATEWAY_KEY"):
        caller(options(), environ, ELSEWHERE)


def key_of(signer):
    assert isinstance(signer, KeySigner)
    assert "gk_" not in repr(signer)
    return signer.headers("", None, "")["authorization"].removeprefix("Bearer ")


def test_where_the_gateway_is():
    """The option before the variable before the default; a key leaves this machine by TLS only."""
    environ = {"GATEWAY_URL": "https://one.example/live/"}
    assert address(environ, None) == Address("https://one.example/live", is_here=False)
    assert address(environ, "http://localhost:8787") == Address("http://localhost:8787", is_here=True)
    assert address({"GATEWAY_URL": " "}, None) is None
    with pytest.raises(ConfigError, match="--url: plain http leaves this machine"):
        address({}, "http://one.example")


def test_where_providers_are_simulated():
    """The option, else the port that `make run` reads; a gateway's URL is not asked for it."""
    environ = {"GATEWAY_URL": "https://one.example", "LOCAL_PROVIDERS_PORT": "9001"}
    assert simulator({"GATEWAY_URL": "https://one.example"}, None).url == "http://127.0.0.1:8789"
    assert simulator(environ, None).url == "http://127.0.0.1:9001"
    assert simulator(environ | {"LOCAL_PROVIDERS_PORT": "0"}, "http://localhost:9002/").url == "http://localhost:9002"
    with pytest.raises(ConfigError, match="LOCAL_PROVIDERS_PORT"):
        simulator({"LOCAL_PROVIDERS_PORT": "99999"}, None)


async def test_a_simulator_that_is_elsewhere_can_be_named():
    """Who moved its port is told how."""
    with pytest.raises(GatewayAway, match=r"127\.0\.0\.1:1 does not answer .*--url.*LOCAL_PROVIDERS_PORT"):
        await fault(
            argparse.Namespace(url=None, list=True, clear=False, provider=None, kind=None),
            {"LOCAL_PROVIDERS_PORT": "1"},
        )


@pytest.mark.parametrize(
    ("status", "body", "says", "code"),
    [
        (
            404,
            {"error": {"code": "unknown_key", "message": "There is no key."}},
            "There is no key. (404 unknown_key)",
            Exit.FAILED,
        ),
        (422, {"error": {"code": "invalid_request", "message": "No."}}, "No. (422 invalid_request)", Exit.USAGE),
        (503, {"error": {"code": "overloaded", "message": "Later."}}, "Later. (503 overloaded)", Exit.AWAY),
        (403, {"Message": "User is not authorized"}, "execute-api:Invoke on the API's /admin/*", Exit.FAILED),
        (403, {"message": "Forbidden"}, "refuses: Forbidden (403)", Exit.FAILED),
        (422, {"error": "kind must be one of"}, "refuses: kind must be one of (422)", Exit.USAGE),
        (502, "<html>", "answered 502, and not as a gateway does", Exit.AWAY),
        (302, {}, "answered 302", Exit.FAILED),
        (200, "<html>", "answered 200, but not as a gateway does", Exit.FAILED),
        (200, [1], "answered 200, but not as a gateway does", Exit.FAILED),
    ],
)
async def test_refusals_are_a_sentence_and_an_exit_code(status, body, says, code):
    """Whoever they come from: the gateway, API Gateway, the simulator, or something else at that address."""

    async def answer(_request):
        return Response(body if isinstance(body, str) else json.dumps(body), status)

    with pytest.raises(CommandError) as refused:
        await gateway(answer).call("GET", "/x")
    assert says in str(refused.value)
    assert refused.value.code == code
    assert isinstance(refused.value, GatewayRefused) == (status >= 300)


async def test_who_does_not_answer_is_told_by_its_url():
    """Another try may succeed."""
    away = Gateway(Address("http://127.0.0.1:9", is_here=True), None)
    with pytest.raises(GatewayAway, match=r"http://127\.0\.0\.1:9 does not answer \(ConnectError\)"):
        await away.call("GET", "/")
    await away.close()


async def test_what_has_not_what_a_gateway_has_is_none():
    """Something else may answer at that address."""

    async def answer(_request):
        return JSONResponse({"items": []})

    with pytest.raises(CommandError, match=r"https://llm\.example\.com answered 200, but not as a gateway does"):
        await gateway(answer).call("GET", "/admin/keys", has=("keys",))


def test_a_proxy_that_cannot_be_used_is_told(monkeypatch):
    """As for the store. What is on this machine is asked without one."""
    monkeypatch.setenv("HTTPS_PROXY", "gopher://proxy")
    with pytest.raises(UsageError, match="a proxy or certificates that cannot be used"):
        Gateway(ELSEWHERE, None)
    Gateway(HERE, None)


@pytest.mark.parametrize(
    ("at", "loads"),
    [(HERE, False), (Address("https://localhost:8787", is_here=True), True), (ELSEWHERE, True)],
)
def test_certificates_are_loaded_where_there_is_tls(monkeypatch, at, loads):
    """That takes longer than most calls of what is on this machine."""
    loaded = []
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *_args, **_: loaded.append("all"))
    Gateway(at, None)
    assert bool(loaded) == loads


async def test_an_answer_may_be_empty():
    """As that of the simulator, when faults are cleared."""

    async def answer(_request):
        return Response(status_code=204)

    assert await gateway(answer).call("DELETE", "/x") == {}
