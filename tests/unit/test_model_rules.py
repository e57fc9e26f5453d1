"""The rows of what models refuse, which of them counts, and what the configuration says instead."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from gateway_core.config.catalog_loader import load_catalog
from gateway_core.config.documents import Document
from gateway_core.config.model_rules import RulesEntry, merged_rules, packaged_rows, rules_for
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.model_rules import NO_RULES, ModelRules
from gateway_core.wires.demands import DEMANDS

ROWS = packaged_rows()


def configured(text: str):
    return GatewaySettings.from_env({}, [Document("config.yaml", text)]).catalog


class TestRows:
    @pytest.mark.parametrize("row", ROWS, ids=lambda row: row.models[0])
    def test_each_says_where_it_is_from(self, row):
        """With the day of it."""
        assert row.source.startswith("https://")
        assert date(2025, 1, 1) <= row.as_of <= date(2026, 11, 29)

    @pytest.mark.parametrize("number", range(len(ROWS)))
    def test_each_counts_for_what_it_is_there_for(self, number):
        """No pattern is hidden behind an earlier row's."""
        row = ROWS[number]
        for pattern in row.models:
            name = pattern.replace("*", "")
            earlier = [other.models for other in ROWS[:number] if other.provider == row.provider and other.fits(name)]
            assert earlier == []

    def test_the_last_row_of_a_provider_is_for_all_other_names(self):
        """So that a model of the four is never without rules."""
        last = {row.provider: row for row in ROWS}
        assert sorted(last) == ["anthropic", "deepseek", "gemini", "openai"]
        assert all(row.models == ["*"] for row in last.values())

    def test_every_model_of_the_catalog_has_one(self):
        """But for those of which nobody knows what runs there."""
        without = [key for key, model in load_catalog().models.items() if not model.rules.source]
        assert without == ["mistral"]


class TestRulesFor:
    @pytest.mark.parametrize(
        ("provider", "name", "thinks", "form"),
        [
            ("anthropic", "claude-opus-4-5-20251101", "asked", "budget"),
            ("anthropic", "claude-opus-4-6", "asked", "adaptive"),
            ("anthropic", "claude-opus-5", "default", "adaptive"),
            ("anthropic", "claude-opus-5-5", "always", "adaptive"),
            ("anthropic", "claude-3-5-haiku-latest", "never", ""),
            ("openai", "gpt-5", "always", "effort"),
            ("openai", "gpt-5.1-2025-11-13", "asked", "effort"),
            ("openai", "gpt-5.6", "default", "effort"),
            ("openai", "gpt-4.1", "never", ""),
            ("openai", "o3-mini", "always", "effort"),
            ("gemini", "gemini-2.5-pro", "always", "budget"),
            ("gemini", "gemini-2.5-flash", "default", "budget"),
            ("gemini", "gemini-2.5-flash-lite", "asked", "budget"),
            ("gemini", "gemini-3-flash-preview", "always", "level"),
            ("gemini", "gemma-3-27b-it", "never", ""),
            ("deepseek", "deepseek-v4-pro", "default", "switch"),
        ],
    )
    def test_by_provider_and_name(self, provider, name, thinks, form):
        """A newer name has newer rules."""
        rules = rules_for(provider, name)
        assert (rules.thinks, rules.thinking_form) == (thinks, form)

    def test_nothing_is_known_of_others(self):
        """A name alone says nothing."""
        assert rules_for("openrouter", "claude-opus-4-5") is NO_RULES
        assert ModelRules() == NO_RULES

    def test_the_rules_about_sound(self):
        """Who hears is not ruled out by a part with sound."""
        assert "input_audio" not in rules_for("openai", "gpt-4o-audio-preview").cannot
        assert "input_audio" in rules_for("openai", "gpt-4o").cannot
        assert "input_audio" not in rules_for("gemini", "gemini-3.8-flash").cannot


def test_the_documentation_names_every_field():
    """With its default."""
    text = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    assert [name for name in RulesEntry.model_fields if f"`{name}`" not in text] == []
    assert [name for name in DEMANDS if f"`{name}`" not in text] == []


class TestModels:
    def test_identifiers_have_them(self):
        """By the provider's own name for the model, also at a base URL of the caller's."""
        catalog = configured("api_base_hosts: [llm.example.com]")
        model = catalog.resolve("anthropic/claude-opus-4-7")
        assert model.rules == rules_for("anthropic", "claude-opus-4-7")
        assert "temperature" in model.rules.refuses
        elsewhere = catalog.resolve("anthropic/claude-opus-4-7", "https://llm.example.com/v1")
        assert (elsewhere.rules, elsewhere.deployment.engine) == (model.rules, model.deployment.engine)
        assert elsewhere.deployment.api_base == "https://llm.example.com/v1"

    def test_the_configuration_sets_single_fields(self):
        """Over the packaged row, in any order of efforts."""
        packaged = rules_for("deepseek", "deepseek-v4-pro")
        text = "models: {deepseek-coder: {rules: {most_stops: 2, efforts: [max, none], refuses: [seed]}}}"
        rules = configured(text).models["deepseek-coder"].rules
        assert rules == replace(packaged, most_stops=2, efforts=("none", "max"), refuses=frozenset({"seed"}))

    def test_a_field_may_be_set_to_its_default(self):
        """What is said counts, whatever it is."""
        assert merged_rules(ModelRules(takes_prefill=False), RulesEntry(takes_prefill=True), "x").takes_prefill
        assert merged_rules(ModelRules(stop_needs_text=True), None, "x") == ModelRules(stop_needs_text=True)

    @pytest.mark.parametrize(
        ("rules", "efforts"),
        [("thinks: never", ()), ("thinks: default", None), ("efforts: [none, high]", ("none", "high"))],
    )
    def test_of_a_model_without_a_row(self, rules, efforts):
        """What never thinks has no efforts; of others nobody knows them until it is said."""
        assert configured(f"models: {{mistral: {{rules: {{{rules}}}}}}}").models["mistral"].rules.efforts == efforts

    @pytest.mark.parametrize(
        ("rules", "problem"),
        [
            ("efforts: [huge]", "rules.efforts.0: Input should be 'none', 'minimal'"),
            ("cannot: [fly]", "rules.cannot.0: Value error, there is no such demand; choose of audio, custom_tools,"),
            ("refuses: [warmth]", "rules.refuses.0: Value error, there is no such option; choose of audio,"),
            ("refuses_thinking: [reasoning_effort]", "rules.refuses_thinking.0: Value error, there is no such option"),
            ("most_temperature: 3", "rules.most_temperature: Input should be less than or equal to 2."),
            ("thinks: rarely", "rules.thinks: Input should be 'never', 'asked', 'default' or 'always'."),
            ("most_stops: 0", "rules.most_stops: Input should be greater than 0."),
            ("source: here", "rules.source: String should match pattern"),
            ("colour: red", "rules.colour: There is no such field."),
            ("thinks: never", "rules.efforts: the model never thinks. Set thinks, or remove the efforts."),
            ("thinks: always", "rules.efforts: the model always thinks. Remove none, or set thinks"),
            ("efforts: [low]", "rules.efforts: a model that thinks 'asked' can do without. Add none, or"),
        ],
    )
    def test_wrong_rules_are_refused(self, rules, problem):
        """With the field and the remedy."""
        with pytest.raises(ConfigError) as refused:
            configured(f"models: {{gpt-5.1: {{rules: {{{rules}}}}}}}")
        assert f"config.yaml: models.gpt-5.1.{problem}" in refused.value.message
