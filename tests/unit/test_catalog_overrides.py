"""What an operator's document changes in the catalog, and what is refused while loading it."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from decimal import Decimal

import pytest

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.price_list import PricingSection
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.errors import ConfigError
from tests.unit.catalogs import CATALOG, new_model, sections


class TestOverrides:
    def test_custom_group(self):
        """A group of one's own stands next to the packaged ones."""
        catalog = load_catalog(sections(groups={"cheap": ["gpt-5.1-mini", "deepseek-v3.2"]}))
        assert [model.key for model in catalog.group("cheap")] == ["gpt-5.1-mini", "deepseek-v3.2"]
        assert catalog.groups["fast"] == CATALOG.groups["fast"]

    def test_provider_fields_merge(self):
        """A provider's override changes what it names and keeps the rest."""
        catalog = load_catalog(sections(providers={"openai": {"rpm": 500, "timeout_s": 20}}))
        expected = dataclasses.replace(CATALOG.providers["openai"], rpm=500, timeout_s=20.0)
        assert catalog.providers["openai"] == expected

    def test_base_url_reaches_the_deployments(self):
        """Another base URL makes other deployments, which have a circuit breaker of their own."""
        catalog = load_catalog(sections(providers={"openai": {"base_url": "http://127.0.0.1:8789/v1/"}}))
        assert catalog.models["gpt-5.1"].deployment.id == "gpt-5.1@http://127.0.0.1:8789/v1"

    def test_model_fields_merge(self):
        """A model's override changes what it names and keeps facts and price."""
        catalog = load_catalog(sections(models={"gpt-5.1": {"fallbacks": ["gemini-3-pro"], "context_window": 1000}}))
        model = catalog.models["gpt-5.1"]
        assert model.fallbacks == ("gemini-3-pro",)
        assert model.price == CATALOG.models["gpt-5.1"].price
        assert "long_context" not in model.capabilities

    def test_new_model(self):
        """A model that the packaged catalog does not know needs its facts and a price, and then works."""
        entry = new_model(
            capabilities=["vision"],
            retires_on=date(2027, 1, 1),
            fixed_params={"top_p": Decimal("0.5"), "x": [{"y": Decimal(1)}]},
            mode="chat",
        )
        pricing = PricingSection.model_validate({"models": {"mine": {"input": 1, "output": 2}}})
        given = {"models": {"mine": entry}, "aliases": {"house": "mine"}}
        model = load_catalog(Overrides(layers=(given,), pricing=pricing)).resolve("house")
        assert (model.price.input, model.price.output) == (1000, 2000)
        assert (model.capabilities, model.retires_on) == (frozenset({"vision"}), date(2027, 1, 1))
        assert json.dumps(dict(model.fixed_params)) == '{"top_p": 0.5, "x": [{"y": 1.0}]}'

    def test_null_removes(self):
        """An entry set to null is gone, with the aliases that led to it."""
        catalog = load_catalog(sections(models={"mistral": None}, providers={"ollama": None}))
        assert "mistral" not in catalog.models
        assert "ollama/mistral" not in catalog.aliases

    def test_group_can_be_replaced_and_removed(self):
        """A packaged group's name takes a new list, or null."""
        catalog = load_catalog(sections(groups={"fast": ["gemini-flash"], "vision": None}))
        assert catalog.groups["fast"] == ("gemini-flash",)
        assert "vision" not in catalog.groups

    def test_output_cap(self):
        """The output cap is an option like any other."""
        assert load_catalog(sections(default_output_cap=100)).default_output_cap == 100
        assert load_catalog(sections(default_agent_output_cap=9)).default_agent_output_cap == 9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"groups": {"g": ["gpt-5"]}}, "groups.g: there is no model 'gpt-5'. Correct or remove it."),
        ({"groups": {"g": []}}, "groups.g: List should have at least 1 item"),
        ({"groups": {"g": ["gpt-5.1", "gpt-5.1"]}}, "groups.g: names a model twice. Remove one."),
        ({"groups": {"gpt-5.1": ["gpt-5.1"]}}, "groups.gpt-5.1: is a model key as well. Rename the group."),
        ({"groups": {"g": ["gpt-5.1", "text-embedding-3-large"]}}, "groups.g: mixes embedding models with others"),
        ({"groups": []}, "groups: Input should be a valid dictionary"),
        ({"groups": {"a b": ["gpt-5.1"]}}, "groups.a b: String should match pattern"),
        ({"aliases": {"x": "gpt-5"}}, "aliases.x: there is no model 'gpt-5'"),
        ({"aliases": {"fast": "gpt-5.1"}}, "aliases.fast: is a model key or a group as well. Rename it."),
        ({"models": {"gpt-5.1": {"fallbacks": ["none"]}}}, "models.gpt-5.1.fallbacks: there is no model 'none'"),
        ({"models": {"gpt-5.1": {"tier": "1"}}}, "models.gpt-5.1.tier: Input should be a valid integer"),
        ({"models": {"gpt-5.1": {"teir": 1}}}, "models.gpt-5.1.teir: There is no such field. Remove it"),
        ({"models": {"gpt-5.1": {"provider": "azure"}}}, "models.gpt-5.1.provider: no such provider. Choose one of"),
        ({"models": {"gpt-5.1": {"map_key": "gpt-9"}}}, "models.gpt-5.1.map_key: not in the price snapshot"),
        ({"models": {"new": {}}}, "models.new.provider: Field required. Add it."),
        ({"models": {"new": new_model()}}, "models.new: has no price. Add it to pricing.models, with 0 if it is free."),
        (
            {"models": {"mistral": {"context_window": None}}},
            "models.mistral.context_window: Field required. Add it, in tokens, or name a map_key.",
        ),
        ({"providers": {"openai": {"rpm": 0}}}, "providers.openai.rpm: Input should be greater than 0"),
        ({"providers": {"openai": {"timeout_s": True}}}, "providers.openai.timeout_s: Input should be a valid number"),
        ({"providers": {"openai": {"api_key": "sk-hidden"}}}, "providers.openai.api_key: There is no such field"),
        ({"providers": {"openai": {"base_url": "ftp://sk-hidden@x"}}}, "config.yaml: providers.openai.base_url: "),
        ({"models": {"gpt-5.1": {"fixed_params": {"when": date(2027, 1, 1)}}}}, "models.gpt-5.1.fixed_params.when"),
        ({"default_output_cap": 0}, "default_output_cap: Input should be greater than 0"),
        ({"default_agent_output_cap": 0}, "default_agent_output_cap: Input should be greater than 0"),
    ],
)
def test_wrong_catalogs_are_refused(given, message):
    """What is wrong with a catalog is said with the document, the field's path and the remedy, never with a value."""
    with pytest.raises(ConfigError) as error:
        load_catalog(sections(**given))
    assert error.value.message.startswith("config.yaml: ")
    assert message in error.value.message
    assert "sk-hidden" not in error.value.message


def test_price_of_an_unknown_model():
    """A price for a model that does not exist is a misspelt key."""
    pricing = PricingSection.model_validate({"models": {"gpt-5": {"input": 1, "output": 1}}})
    with pytest.raises(ConfigError, match=r"pricing\.models\.gpt-5: no such model. Correct the key"):
        load_catalog(Overrides(pricing=pricing))


def test_all_problems_at_once():
    """Several mistakes are reported together."""
    with pytest.raises(ConfigError, match=r"groups\.g: .*aliases\.x: "):
        load_catalog(sections(groups={"g": ["no"]}, aliases={"x": "no"}))


def test_who_asks_for_nothing_needs_no_catalog():
    """An empty one: no model, no group, no provider."""
    catalog = Catalog.empty()
    assert (dict(catalog.models), dict(catalog.groups), dict(catalog.all_providers)) == ({}, {}, {})
