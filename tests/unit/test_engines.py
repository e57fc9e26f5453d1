"""Who translates for a provider's models."""

from __future__ import annotations

import pytest

from gateway_core.config.documents import Document
from gateway_core.config.known_providers import known_providers
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigError
from gateway_core.wires.codecs import has_codec

URL = "base_url: 'https://h.example/v1', input_includes_cached: true"


def catalog(text: str = ""):
    return GatewaySettings.from_env({}, [Document("config.yaml", text)] if text else []).catalog


def test_the_catalogs_providers_have_wires_of_ours():
    """Embeddings too."""
    assert {name: provider.engine for name, provider in catalog().providers.items()} == dict.fromkeys(
        ("anthropic", "openai", "gemini", "deepseek", "ollama"), "native"
    )
    assert {model.deployment.engine for model in catalog().models.values()} == {"native"}
    assert all(has_codec(name) for name in catalog().providers)


@pytest.mark.parametrize(
    ("provider", "engine"),
    [
        ("groq", "native"),  # LiteLLM calls it by OpenAI's SDK
        ("my_server", "native"),  # LiteLLM does not know it
        ("mistral", "litellm"),  # has a row, but clients and dialects of LiteLLM's own
        ("openrouter", "litellm"),  # has no row, but LiteLLM knows it
        ("hosted_vllm", "litellm"),
        ("cohere", "litellm"),  # has a wire that is not ours
    ],
)
def test_the_default_of_a_provider_of_the_configuration(provider, engine):
    """Ours where nothing is lost by it."""
    assert catalog(f"providers: {{{provider}: {{{URL}}}}}").providers[provider].engine == engine


def test_well_known_providers_outside_are_called_by_litellm():
    """Until the configuration has them."""
    assert {provider.engine for provider in catalog().others.values()} == {"litellm"}
    assert set(catalog().others) == set(known_providers())
    assert catalog().resolve("groq/openai/gpt-oss-120b").deployment.engine == "litellm"
    inside = catalog(f"providers: {{groq: {{{URL}}}}}")
    assert inside.resolve("groq/openai/gpt-oss-120b").deployment.engine == "native"


def test_it_can_be_chosen():
    """For all models of the provider, of the catalog and by identifier, and wherever callers say that they are."""
    chosen = catalog("providers: {openai: {engine: litellm}}\napi_base_hosts: [h.example]")
    assert chosen.models["gpt-5.1"].deployment.engine == "litellm"
    assert chosen.models["claude-opus-4.5"].deployment.engine == "native"
    assert chosen.resolve("openai/gpt-4.1").deployment.engine == "litellm"
    assert chosen.resolve("gpt-5.1", "https://h.example/v1").deployment.engine == "litellm"
    assert chosen.resolve("claude-opus-4.5", "https://h.example").deployment.engine == "native"
    assert catalog(f"providers: {{mistral: {{{URL}, engine: native}}}}").providers["mistral"].engine == "native"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            f"cohere: {{{URL}, engine: native}}",
            "providers.cohere.engine: the gateway has no wire of its own for 'cohere'. Set it to litellm.",
        ),
        ("openai: {engine: fast}", "providers.openai.engine: Input should be 'native' or 'litellm'."),
    ],
)
def test_what_there_is_not_is_refused(entry, problem):
    """With the field and the way out."""
    with pytest.raises(ConfigError) as refused:
        catalog(f"providers: {{{entry}}}")
    assert f"config.yaml: {problem}" in refused.value.message
