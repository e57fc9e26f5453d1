"""Providers of AWS: where they are, what turns them on, and who signs."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SdkCredentials

from gateway_core.adapters.aws import Account
from gateway_core.adapters.upstream.signing import AwsSigning
from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigError, UnknownModel
from gateway_core.http1 import Request, Url

NAME = "bedrock/us.anthropic.claude-haiku-4-5-20251001-v1:0"
HERE = "https://bedrock-runtime.{}.amazonaws.com"
ON_LAMBDA = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}


def configured(environ: dict[str, str], **entry: Any) -> Any:
    """The provider of a configuration that has it."""
    layer = {"providers": {"bedrock": {"input_includes_cached": False, **entry}}}
    return load_catalog(Overrides(layers=(layer,), env_text=environ.get, allow_http=True)).providers["bedrock"]


def test_nobody_turned_it_on():
    """A region of the process is none of Bedrock's: every function of AWS has one."""
    with pytest.raises(UnknownModel, match="Nobody says where"):
        load_catalog(Overrides(env_text=ON_LAMBDA.get)).resolve(NAME)
    assert "bedrock" not in GatewaySettings.from_env(ON_LAMBDA).credentials


def test_an_identifier_is_called_where_the_variable_says():
    """At the price of its own entry in LiteLLM's map; signed, unless there is a key of Bedrock's."""
    environ = {**ON_LAMBDA, "BEDROCK_REGION": "eu-west-1"}
    settings = GatewaySettings.from_env(environ)
    model = settings.catalog.resolve(NAME)
    assert (model.deployment.api_base, model.deployment.engine) == (HERE.format("eu-west-1"), "litellm")
    assert (model.price.input, model.price.cache_write) == (1100, 1375)
    assert settings.credentials["bedrock"].region == "eu-west-1"
    keyed = GatewaySettings.from_env({**environ, "AWS_BEARER_TOKEN_BEDROCK": "a-key"}).credentials["bedrock"]
    assert (keyed.region, keyed.secret.reveal()) == ("", "a-key")


@pytest.mark.parametrize(
    ("environ", "entry", "region", "base"),
    [
        (ON_LAMBDA, {"region": "eu-west-1"}, "eu-west-1", HERE.format("eu-west-1")),
        (ON_LAMBDA, {}, "us-east-1", HERE.format("us-east-1")),
        ({**ON_LAMBDA, "BEDROCK_REGION": "eu-north-1"}, {}, "eu-north-1", HERE.format("eu-north-1")),
        (ON_LAMBDA, {"base_url": "https://vpce.example"}, "us-east-1", "https://vpce.example"),
        ({**ON_LAMBDA, "BEDROCK_API_BASE": "http://127.0.0.1:9"}, {}, "us-east-1", "http://127.0.0.1:9"),
    ],
)
def test_where_the_configuration_says(environ, entry, region, base):
    """Or else the environment."""
    provider = configured(environ, **entry)
    assert (provider.region, provider.api_base, provider.key_env) == (region, base, None)


def test_a_key_by_any_name():
    """AWS's own, or what the configuration calls it."""
    assert configured({**ON_LAMBDA, "AWS_BEARER_TOKEN_BEDROCK": "k"}).key_env == "AWS_BEARER_TOKEN_BEDROCK"
    assert configured(ON_LAMBDA, key_env="MY_KEY").key_env == "MY_KEY"


@pytest.mark.parametrize(
    ("environ", "entry", "problem"),
    [
        ({}, {}, r"catalog\.yaml: providers\.bedrock\.base_url: Add region, or set AWS_REGION"),
        ({}, {"region": "Frankfurt"}, "region: is not a region"),
        ({"BEDROCK_REGION": "nowhere/"}, {}, "BEDROCK_REGION: is not a region"),
    ],
)
def test_where_nobody_says(environ, entry, problem):
    """The field, or the variable, and the remedy."""
    with pytest.raises(ConfigError, match=problem):
        configured(environ, **entry)


@pytest.mark.parametrize(
    ("entry", "problem"), [({"region": "eu-west-1", "base_url": "https://x.example"}, "has no regions"), ({}, "Add it")]
)
def test_others_have_no_region(entry, problem):
    """And need a base URL."""
    layer = {"providers": {"groq": {"input_includes_cached": True, **entry}}}
    with pytest.raises(ConfigError, match=problem):
        load_catalog(Overrides(layers=(layer,)))


def test_a_model_of_the_configuration_takes_its_facts_from_the_map():
    """By its identifier, so that nobody has to copy prices."""
    entry = {"provider": "bedrock", "upstream": NAME.removeprefix("bedrock/"), "tier": 3, "map_key": NAME}
    entry |= {"max_image_tokens": 1600}
    layer: dict[str, Any] = {"providers": {"bedrock": {"input_includes_cached": False, "region": "us-east-1"}}}
    layer |= {"models": {"claude-bedrock": entry}, "groups": {"claude": ["claude-haiku-3.5", "claude-bedrock"]}}
    model = load_catalog(Overrides(layers=(layer,))).group("claude")[1]
    assert (model.context_window, model.max_output_tokens, model.price.output) == (200_000, 64_000, 5500)
    entry["map_key"] = "bedrock/no-such-model"
    with pytest.raises(ConfigError, match="not in the price snapshot"):
        load_catalog(Overrides(layers=(layer,)))


class Wire:
    """Notes what is sent."""

    def __init__(self):
        self.sent = []

    async def send(self, request, _sending, /):
        self.sent.append(request)

    async def close(self):
        self.sent.append(None)


@pytest.mark.parametrize("query", ["", "?a=b"])
async def test_it_signs_as_awss_sdk_does(query):
    """The path once more encoded than it is sent; and no key goes along."""
    path = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse"
    url, now_ms = f"https://bedrock-runtime.us-east-1.amazonaws.com{path}{query}", 1_764_400_000_000
    account = Account({"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"})
    wire = Wire()
    network = await AwsSigning(account).signed(wire, "bedrock", "us-east-1", lambda: now_ms)
    headers = {"content-type": "application/json", "authorization": "Bearer none", "user-agent": "x"}
    await network.send(Request("POST", Url.parse(url), headers, b"{}"), lambda: None)
    await network.close()
    sent, closed = wire.sent
    date = sent.headers["x-amz-date"]
    theirs = AWSRequest("POST", url, {"content-type": "application/json", "X-Amz-Date": date}, b"{}")
    auth = SigV4Auth(SdkCredentials("AKID", "s", "t"), "bedrock", "us-east-1")
    theirs.context["timestamp"] = date
    theirs.headers["X-Amz-Security-Token"] = "t"
    signature = auth.signature(auth.string_to_sign(theirs, auth.canonical_request(theirs)), theirs)
    assert sent.headers["authorization"].endswith(f"Signature={signature}")
    assert (sent.headers["user-agent"], "host" in sent.headers, closed) == ("x", False, None)
