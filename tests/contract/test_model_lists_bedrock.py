"""Bedrock's list of models: signed for the host that has it, at the simulator, which checks the signature."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gateway_core.adapters.model_lists import HttpModelLister
from gateway_core.adapters.upstream.network import signing_of
from gateway_core.domain.catalog import Provider
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import BadCredentials, ProviderUnavailable, RateLimitError
from gateway_core.store.probes import listed
from gateway_core.wires.bedrock import BEDROCK
from local.providers import create_app
from local.providers.bedrock.signature import SECRET
from local.providers.control import Control
from local.serving import serve
from tests.contract.raw_provider import RawProvider, respond
from tests.manual_clock import ManualClock

SIGNED = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": "a-role's"}
KEY = Secret("a-key-of-bedrocks-own")


def bedrock(base: str) -> Provider:
    return Provider("bedrock", base, None, "BEDROCK_API_BASE", 60.0, input_includes_cached=False, region="eu-west-1")


def lister(environ: dict[str, str] | None = None) -> HttpModelLister:
    """Who signs with these."""
    return HttpModelLister(ManualClock(), signing_of(SIGNED if environ is None else environ))


@pytest.fixture(scope="module")
def root() -> Iterator[str]:
    """The simulator."""
    with serve(create_app()) as url:
        yield url


@pytest.fixture
def simulator(root: str) -> Iterator[Control]:
    """Its controls, with nothing set and nothing counted."""
    with Control(root) as control:
        control.reset()
        yield control


async def test_it_lists_its_models(root, simulator):
    """By one signed request that costs no token. Profiles are in another list: whether there is one stays unknown."""
    found = await lister().list_models(bedrock(f"{root}/bedrock"), None)
    assert "amazon.nova-lite-v1:0" in found.names
    assert listed({"amazon.nova-lite-v1:0", "eu.nobody.nothing-v1:0"}, found) == {"amazon.nova-lite-v1:0": True}
    calls = simulator.calls()
    assert [(one["endpoint"], one["method"]) for one in calls["requests"]] == [("models", "GET")]
    assert calls["totals"]["calls"] == 0


async def test_a_key_of_its_own_takes_the_place_of_the_signature():
    """And of the account, which is not asked."""
    async with RawProvider(respond(200, {"modelSummaries": []})).serve() as raw:
        await lister({}).list_models(bedrock(raw.url), KEY)
    (seen,) = raw.seen
    assert seen.line == "GET /foundation-models HTTP/1.1"
    assert seen.headers["authorization"] == f"Bearer {KEY.reveal()}"
    assert "x-amz-date" not in seen.headers


async def test_a_signature_is_for_the_region_of_the_provider():
    """At the time of the clock, with a role's token, and over the host that it goes to."""
    async with RawProvider(respond(200, {"modelSummaries": []})).serve() as raw:
        await lister().list_models(bedrock(raw.url), None)
    (seen,) = raw.seen
    date = seen.headers["x-amz-date"]
    assert f"/{date[:8]}/eu-west-1/bedrock/aws4_request" in seen.headers["authorization"]
    assert "SignedHeaders=host;" in seen.headers["authorization"]
    assert seen.headers["x-amz-security-token"] == "a-role's"


async def test_nobody_signs_for_a_provider_without_a_region():
    """Whoever it is: those have keys, or want none."""
    async with RawProvider(respond(200, {"modelSummaries": []})).serve() as raw:
        await lister().list_models(replace(bedrock(raw.url), region=""), None)
    assert "authorization" not in raw.seen[0].headers


@pytest.mark.parametrize(
    ("fault", "error"),
    [("auth", BadCredentials), ("rate_limit", RateLimitError), ("unavailable", ProviderUnavailable)],
)
async def test_each_fault_has_its_error(root, simulator, fault, error):
    """As for all the others."""
    simulator.fault("bedrock", fault, endpoint="models")
    with pytest.raises(LLMError) as caught:
        await lister().list_models(bedrock(f"{root}/bedrock"), None)
    assert type(caught.value) is error


async def test_wrong_credentials_are_told_from_a_broken_provider(root, simulator, monkeypatch):
    """Those of somebody else are refused; without any nothing is sent."""
    with pytest.raises(BadCredentials):
        await lister(SIGNED | {"AWS_SECRET_ACCESS_KEY": "another"}).list_models(bedrock(f"{root}/bedrock"), None)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(BadCredentials):
        await lister({}).list_models(bedrock(f"{root}/bedrock"), None)
    assert len(simulator.calls()["requests"]) == 1


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://bedrock-runtime.us-east-1.amazonaws.com", "https://bedrock.us-east-1.amazonaws.com"),
        ("https://bedrock-runtime-fips.us-east-1.amazonaws.com", "https://bedrock-fips.us-east-1.amazonaws.com"),
        ("http://127.0.0.1:8789/bedrock", "http://127.0.0.1:8789/bedrock"),
    ],
)
def test_another_host_has_the_list(base, url):
    """AWS's own, by the name beside that of the models; whatever else is named serves both."""
    assert BEDROCK.models.url(base) == f"{url}/foundation-models"
