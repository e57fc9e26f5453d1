"""Our rows of what models refuse, held against LiteLLM's map; and its names for providers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gateway_core.adapters.litellm.library import load
from gateway_core.config.documents import packaged
from gateway_core.config.engines import LITELLM_PROVIDERS
from gateway_core.config.model_rules import rules_for
from scripts.update_prices import map_path

FOUR = ("anthropic", "deepseek", "gemini", "openai")
DOCUMENTED = {
    ("gpt-5.3-codex", "none"): False,  # https://developers.openai.com/api/docs/models/gpt-5.3-codex
    ("gpt-5-pro", "minimal"): False,  # "only supports high": https://developers.openai.com/api/docs/models/gpt-5-pro
    ("gpt-5.2-pro", "minimal"): False,  # https://developers.openai.com/api/docs/models/gpt-5.2-pro
    ("gpt-5-search-api", "minimal"): False,  # takes no effort at all
    ("gpt-5-chat", "minimal"): False,  # does not reason
}
"""Where a provider's page says something else than the map, by the beginning of the name."""


def entries() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Provider, name and entry of each chat model of the four."""
    for key, entry in json.loads(map_path().read_text("utf-8")).items():
        provider = entry.get("litellm_provider")
        if provider in FOUR and entry.get("mode") in ("chat", "responses"):
            yield provider, key.removeprefix(f"{provider}/"), entry


ENTRIES = list(entries())
CLAUDES = [entry for entry in ENTRIES if entry[0] == "anthropic"]


def each(models: list[tuple[str, str, dict[str, Any]]]) -> pytest.MarkDecorator:
    """For each of the models."""
    return pytest.mark.parametrize(("provider", "name", "entry"), models, ids=[name for _, name, _ in models])


@each(ENTRIES)
def test_efforts_are_those_of_the_map(provider: str, name: str, entry: dict[str, Any]) -> None:
    """What the map says of an effort, but for what pages say otherwise. OpenAI takes `max` over Responses alone."""
    rules = rules_for(provider, name)
    levels = ("none", "minimal", "xhigh") if provider == "openai" else ("minimal", "xhigh", "max")
    said = {level: entry[key] for level in levels if (key := f"supports_{level}_reasoning_effort") in entry}
    documented = {level: takes for (known, level), takes in DOCUMENTED.items() if name.startswith(known)}
    assert {level: level in rules.efforts for level in said} == said | {
        level: takes for level, takes in documented.items() if level in said
    }


@each(CLAUDES)
def test_claude_is_as_the_map_has_it(provider: str, name: str, entry: dict[str, Any]) -> None:
    """Adaptive, always thinking, without sampling, forced calls or prefills."""
    rules = rules_for(provider, name)
    assert (rules.thinking_form == "adaptive") is bool(entry.get("supports_adaptive_thinking"))
    assert (rules.thinks == "always") is bool(entry.get("thinking_always_on"))
    assert ("temperature" in rules.refuses) is (entry.get("supports_sampling_params") is False)
    assert rules.takes_prefill is (entry.get("supports_assistant_prefill") is not False)
    if rules.thinks == "always":
        assert rules.forces_tools_thinking is (entry.get("supports_forced_tool_use") is not False)


def test_defaults_are_as_the_map_has_them() -> None:
    """Who does not reason unasked."""
    unasked = [name for provider, name, entry in ENTRIES if entry.get("default_reasoning_effort") == "none"]
    assert unasked
    assert {name: rules_for("openai", name).thinks for name in unasked} == dict.fromkeys(unasked, "asked")


def test_litellms_names_for_providers() -> None:
    """All of the pinned version."""
    from litellm.types.utils import LlmProviders  # noqa: PLC0415 - not above: it takes seconds, of suites without it too

    known = {name.value for name in LlmProviders} | {str(getattr(name, "value", name)) for name in _listed()}
    assert packaged(LITELLM_PROVIDERS).split() == sorted(known)


def _listed() -> list[Any]:
    return list(load().litellm.provider_list)
