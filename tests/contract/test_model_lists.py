"""Lists of models over HTTP: the real wires of the simulator, and a provider of bytes for what no provider does."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from gateway_core.adapters.model_lists import MOST_BYTES, HttpModelLister
from gateway_core.domain.catalog import Provider
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import ConfigError, LLMError
from gateway_core.domain.provider_errors import BadCredentials, ProviderRejected, ProviderUnavailable, RateLimitError
from gateway_core.store.probes import ModelList
from local.providers import base_urls, create_app
from local.providers.control import Control
from local.serving import bind, serve
from tests.contract.leaks import LEAK_TEXT, LEAKS, all_loggers, everything
from tests.contract.raw_provider import RawProvider, begin_then, reset, respond
from tests.manual_clock import ManualClock
from tests.properties import examples

FOUR = ("anthropic", "openai", "gemini", "deepseek")
KEY = Secret("sk-proj-the-key-of-the-provider")
LISTER = HttpModelLister(ManualClock())


def provider(name: str, api_base: str) -> Provider:
    return Provider(
        name, api_base, f"{name.upper()}_API_KEY", f"{name.upper()}_API_BASE", 60.0, input_includes_cached=True
    )


@pytest.fixture(scope="module")
def simulator() -> Iterator[Control]:
    with serve(create_app()) as url, Control(url) as control:
        control.root = url  # type: ignore[attr-defined] # read by `at`
        yield control


@pytest.fixture
def sim(simulator: Control) -> Iterator[Control]:
    """Without faults and counts."""
    simulator.reset()
    yield simulator
    simulator.reset()


def at(sim: Any, name: str) -> Provider:
    """A provider of the simulator."""
    return provider(name, base_urls(sim.root)[f"{name.upper()}_API_BASE"])


@pytest.fixture
async def raw() -> AsyncIterator[RawProvider]:
    """A provider of bytes; each test says what it answers."""
    async with RawProvider(respond(200, {})).serve() as found:
        yield found


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("anthropic", "claude-opus-4-5-20251101"),
        ("openai", "gpt-5.1"),
        ("gemini", "gemini-3.1-pro-preview"),
        ("deepseek", "deepseek-v4-pro"),
    ],
)
async def test_each_provider_lists_its_models(sim, name, model):
    """By their plain names, on its own wire, with the key where it wants it; one request, which costs no token."""
    found = await LISTER.list_models(at(sim, name), KEY)
    assert model in found.names
    assert found.complete
    calls = sim.calls()
    assert [(c["provider"], c["endpoint"], c["method"]) for c in calls["requests"]] == [(name, "models", "GET")]
    assert calls["totals"]["calls"] == 0
    assert "key" not in calls["requests"][0]["query"]


@pytest.mark.parametrize("name", FOUR)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "auth"}, BadCredentials),
        ({"kind": "rate_limit"}, RateLimitError),
        ({"kind": "server_error"}, ProviderUnavailable),
        ({"kind": "unavailable"}, ProviderUnavailable),
        ({"kind": "reset"}, ProviderUnavailable),
        ({"kind": "cut"}, ProviderUnavailable),
        ({"kind": "html"}, ProviderUnavailable),
        ({"kind": "malformed"}, ProviderUnavailable),
        ({"kind": "redirect"}, ProviderUnavailable),
        ({"kind": "not_found"}, ProviderRejected),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
async def test_each_fault_has_its_error(sim, name, fault, error):
    """As each provider words it; nobody is asked twice."""
    sim.fault(name, endpoint="models", **fault)
    with pytest.raises(LLMError) as caught:
        await LISTER.list_models(at(sim, name), KEY)
    assert type(caught.value) is error
    assert len(sim.calls()["requests"]) == 1


@pytest.mark.parametrize("name", FOUR)
async def test_a_wrong_key_is_told_from_a_broken_provider(sim, name):
    """Gemini answers 400 to it, as to a malformed request."""
    with pytest.raises(BadCredentials):
        await LISTER.list_models(at(sim, name), Secret("sk-invalid-key"))


async def test_a_redirect_does_not_carry_the_key_away(raw):
    """Not even to the same machine."""
    async with RawProvider(respond(200, {"data": []})).serve() as elsewhere:
        raw.act = respond(307, b"", f"location: {elsewhere.url}/models")
        with pytest.raises(ProviderUnavailable):
            await LISTER.list_models(provider("openai", raw.url), KEY)
        assert elsewhere.seen == []


@pytest.mark.parametrize(
    ("name", "path", "header", "value"),
    [
        ("anthropic", "/v1/models?limit=1000", "x-api-key", KEY.reveal()),
        ("openai", "/models", "authorization", f"Bearer {KEY.reveal()}"),
        ("gemini", "/models?pageSize=1000", "x-goog-api-key", KEY.reveal()),
        ("deepseek", "/models", "authorization", f"Bearer {KEY.reveal()}"),
        ("mistral_ai", "/models", "authorization", f"Bearer {KEY.reveal()}"),
        ("ollama", "/api/tags", "authorization", f"Bearer {KEY.reveal()}"),
    ],
)
async def test_what_is_asked_below_the_base_url(raw, name, path, header, value):
    """The key is in one header, never in the address, where logs would keep it."""
    raw.act = respond(200, {"data": [{"id": "m"}], "models": [{"name": "m"}]})
    assert await LISTER.list_models(provider(name, raw.url), KEY) == ModelList(frozenset({"m"}))
    (seen,) = raw.seen
    assert (seen.line, seen.headers[header]) == (f"GET {path} HTTP/1.1", value)
    assert KEY.reveal() not in seen.line
    assert seen.headers["accept-encoding"] == "identity"


async def test_without_a_key_none_is_sent(raw):
    """Ollama takes none, and lists with a version."""
    raw.act = respond(200, {"models": [{"name": "mistral:latest"}]})
    assert (await LISTER.list_models(provider("ollama", raw.url), None)).names == {"mistral:latest"}
    assert not {"authorization", "x-api-key"} & set(raw.seen[0].headers)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("anthropic", {"data": [{"id": "a"}], "has_more": True}),
        ("openai", {"data": [{"id": "a"}], "has_more": True}),
        ("gemini", {"models": [{"name": "models/a"}], "nextPageToken": "t"}),
    ],
)
async def test_a_list_with_more_pages_says_so(raw, name, body):
    """Then a model that is missing may be on the next."""
    raw.act = respond(200, body)
    assert await LISTER.list_models(provider(name, raw.url), KEY) == ModelList(frozenset({"a"}), complete=False)


@pytest.mark.parametrize("status", [404, 405, 400, 501])
async def test_a_server_without_a_list_has_not_failed(raw, status):
    """A proxy may serve models and not tell which."""
    raw.act = respond(status, {"error": "no"})
    with pytest.raises(ProviderRejected):
        await LISTER.list_models(provider("openai", raw.url), KEY)


@pytest.mark.parametrize(
    "act",
    [
        respond(200, b"[" * 200_000),
        respond(200, b" " * (MOST_BYTES + 1)),
        respond(200, b'{"data": []}', "content-encoding: gzip"),
        respond(200, b'{"data": {"a": 1}}'),
        respond(200, b'{"data": [{"id": 1}]}'),
        respond(204, b""),
        respond(529, b"{}"),
        begin_then(b'{"data": [{"id": '),
        reset,
    ],
    ids=["nested", "huge", "compressed", "shape", "number", "empty", "overloaded", "cut", "reset"],
)
async def test_what_is_no_list_is_a_failure(raw, act):
    """Whatever it is, and however long it would be."""
    raw.act = act
    with pytest.raises(ProviderUnavailable):
        await LISTER.list_models(provider("openai", raw.url), KEY)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["data", "id", "models", "name"]), inner)
    ),
    max_leaves=8,
)


@examples(25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=JSON)
async def test_any_json_is_a_list_or_a_failure(raw, body):
    """Never anything else, so that one odd provider cannot spoil a round."""
    raw.act = respond(200, body)
    try:
        found = await LISTER.list_models(provider("openai", raw.url), KEY)
    except ProviderUnavailable:
        return
    assert found.names == {entry["id"] for entry in body["data"]}


async def test_nobody_there():
    """A failure, but where no key is set and the address is this machine's: that is simply not in use."""
    with bind() as sock:
        port = sock.getsockname()[1]
    with pytest.raises(ProviderUnavailable):
        await LISTER.list_models(provider("openai", f"http://127.0.0.1:{port}"), KEY)
    with pytest.raises(ConfigError) as caught:
        await LISTER.list_models(provider("ollama", f"http://127.0.0.1:{port}"), None)
    assert "OLLAMA_API_BASE" in caught.value.message


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
async def test_nothing_of_an_answer_leaks(raw, status):
    """Not into the error, not into any log; nor does our own key."""
    raw.act = respond(status, {"error": {"message": LEAK_TEXT}})
    logging.getLogger("httpx")  # made by now, at the latest
    with all_loggers() as logged, pytest.raises(LLMError) as caught:
        await LISTER.list_models(provider("openai", raw.url), KEY)
    text = everything(caught.value, logged)  # type: ignore[arg-type]
    assert not [name for name, leak in LEAKS.items() if leak in text]
    assert KEY.reveal() not in text
    assert caught.value.detail == f"HTTP {status}"


async def test_the_error_for_garbage_repeats_none_of_it(raw):
    """The parser's message would quote it."""
    raw.act = respond(200, json.dumps({"data": LEAK_TEXT}).encode())
    with pytest.raises(ProviderUnavailable) as caught:
        await LISTER.list_models(provider("openai", raw.url), KEY)
    assert not [leak for leak in LEAKS.values() if leak in f"{caught.value!r}{caught.value.detail}"]
