"""Which options a model takes, as LiteLLM 1.106 tells it; and LiteLLM's global state as the adapter leaves it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway_core.adapters.litellm.library import Library, load
from gateway_core.adapters.litellm.params import ALLOWED, ParamFitter
from gateway_core.config.model_rules import rules_for
from gateway_core.domain.chat import Deployment, ModelMode, ProviderCall
from gateway_core.wires.table import traits_of


@pytest.fixture(scope="module")
def library() -> Library:
    return load()


def call(provider: str, model: str, mode: ModelMode = "chat", *, limit: int = 99, **params: Any) -> ProviderCall:
    """A call with these options."""
    deployment = Deployment(provider, model, "https://h/v1", mode)
    return ProviderCall(deployment, (), params, limit, 10.0, "req-1", rules=rules_for(provider, model))


CLAUDE = "claude-opus-4-5"
TIER = {"service_tier": "default"}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
CASES: list[tuple[ProviderCall, dict[str, Any], tuple[str, ...]]] = [
    (call("anthropic", CLAUDE, temperature=0.7), {"temperature": 0.7, "max_tokens": 99}, ()),
    (
        call("anthropic", CLAUDE, limit=4096, temperature=0.7, reasoning_effort="low", seed=1),
        {"reasoning_effort": "low", "max_tokens": 4096},
        ("seed", "temperature"),
    ),
    (
        call("anthropic", CLAUDE, limit=4096, temperature=1, reasoning_effort="high"),
        {"thinking": {"type": "enabled", "budget_tokens": 3072}, "max_tokens": 4096},
        (),
    ),
    (
        call("anthropic", CLAUDE, limit=1025, reasoning_effort="high"),
        {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1025},
        (),
    ),
    (
        call("anthropic", CLAUDE, limit=1024, reasoning_effort="low"),
        {"max_tokens": 1024},
        ("reasoning_effort",),
    ),
    (
        call("anthropic", CLAUDE, temperature=0.7, thinking={"type": "enabled", "budget_tokens": 50}),
        {"thinking": {"type": "enabled", "budget_tokens": 50}, "max_tokens": 99},
        ("temperature",),
    ),
    (
        call("openai", "gpt-5.1", temperature=0.7, reasoning_effort="high", stop=["x"]),
        {"reasoning_effort": "high", "max_completion_tokens": 99, **TIER},
        ("stop", "temperature"),
    ),
    (
        call("openai", "gpt-5.1", temperature=0.7, reasoning_effort="none"),
        {"temperature": 0.7, "reasoning_effort": "none", "max_completion_tokens": 99, **TIER},
        (),
    ),
    (
        call("openai", "gpt-5-mini", temperature=1, top_p=0.5),
        {"max_completion_tokens": 99, **TIER},
        ("top_p",),
    ),
    (
        call("openai", "gpt-4o", temperature=0.7, stop="x", seed=1, logit_bias={"1": 1}),
        {"temperature": 0.7, "stop": "x", "seed": 1, "logit_bias": {"1": 1}, "max_completion_tokens": 99, **TIER},
        (),
    ),
    (
        call("openai", "gpt-5.3-codex", "responses", temperature=0.7, seed=1, stop="x", tools=[TOOL]),
        {"tools": [TOOL], "max_completion_tokens": 99, **TIER},
        ("seed", "stop", "temperature"),
    ),
    (call("gemini", "gemini-3-pro-preview", temperature=0.7), {"temperature": 0.7, "max_tokens": 99}, ()),
    (call("deepseek", "deepseek-chat", temperature=0.7), {"temperature": 0.7, "max_tokens": 99}, ()),
    (call("deepseek", "deepseek-chat", api_base="x", n=2, top_p=None), {"max_tokens": 99}, ("api_base", "n")),
]


@pytest.mark.parametrize(("given", "sent", "dropped"), CASES)
def test_what_a_model_does_not_take_is_dropped_and_named(
    library: Library, given: ProviderCall, sent: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    """The same on the first asking and from memory."""
    fitter = ParamFitter(library.litellm)
    assert fitter.fit(given) == (sent, dropped)
    assert fitter.fit(given) == (sent, dropped)


def test_only_values_that_decide_are_remembered(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless different users, seeds and tools do not fill the memory, and it has an end."""
    fitter = ParamFitter(library.litellm)
    for number in range(30):
        fitter.fit(call("deepseek", "deepseek-chat", user=f"u{number}", seed=number, tools=[TOOL] * number))
    assert len(fitter._kept) == 1
    monkeypatch.setattr("gateway_core.adapters.litellm.params._MOST_REMEMBERED", 10)
    for number in range(25):
        fitter.fit(call("deepseek", "deepseek-chat", temperature=number / 1000))
        assert len(fitter._kept) <= 10


@pytest.mark.parametrize(("provider", "model"), [("anthropic", CLAUDE), ("gemini", "gemini-3-pro-preview")])
def test_what_a_wire_cannot_carry_litellm_does_not_list(library: Library, provider: str, model: str) -> None:
    """And nothing else: a newer LiteLLM that knows more of the wire shows here."""
    listed = library.litellm.get_supported_openai_params(model=model, custom_llm_provider=provider)
    assert ALLOWED - set(listed) == traits_of(provider).chat.cannot_carry


def test_nothing_that_litellm_takes_for_an_order_is_allowed() -> None:
    """Options, not instructions."""
    orders = {
        "api_base",
        "base_url",
        "api_key",
        "extra_headers",
        "headers",
        "mock_response",
        "fallbacks",
        "n",
        "stream",
    }
    assert not ALLOWED & orders


def test_litellm_has_no_callbacks_and_no_helpers(library: Library) -> None:
    """Its switches stand as the adapter needs them, also after the second loading."""
    litellm = load().litellm
    assert litellm is library.litellm
    assert (litellm.callbacks, litellm.success_callback, litellm.failure_callback) == ([], [], [])
    assert (litellm.suppress_debug_info, litellm.num_retries, litellm.cache) == (True, None, None)


async def test_clients_that_litellm_makes_for_itself_send_nothing(library: Library) -> None:
    """Whoever is not given our transport gets nowhere, and the cache is LiteLLM's for all else."""
    handlers = __import__("litellm.llms.custom_httpx.http_handler", fromlist=["x"])
    for client in (handlers.get_async_httpx_client("openai"), library.litellm.module_level_aclient):
        with pytest.raises(httpx.ReadError):
            await client.post("http://127.0.0.1:1/")
    for client in (handlers.get_httpx_client(), library.litellm.module_level_client):
        with pytest.raises(httpx.ReadError):
            client.get("http://127.0.0.1:1/")
    library.litellm.in_memory_llm_clients_cache.set_cache("other", "kept")
    assert library.litellm.in_memory_llm_clients_cache.get_cache("other") == "kept"
