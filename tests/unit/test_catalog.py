"""The catalog: what it contains, how names are found, and what is refused while loading it."""

from __future__ import annotations

import dataclasses
import json
import re
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.price_list import PricingSection
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.errors import ConfigError, UnknownModel

CATALOG = load_catalog()

SERVED = {
    "claude-opus-4.5": ("anthropic", "claude-opus-4-5", None),
    "claude-sonnet-4": ("anthropic", "claude-sonnet-4-6", "claude-sonnet-4-20250514"),
    "claude-haiku-3.5": ("anthropic", "claude-haiku-4-5", "claude-3-5-haiku-20241022"),
    "gpt-5.1": ("openai", "gpt-5.1", None),
    "gpt-5.1-mini": ("openai", "gpt-5.4-mini", "gpt-5.1-mini"),
    "gpt-5.1-vision": ("openai", "gpt-5.1", "gpt-5.1-vision"),
    "codex-max": ("openai", "gpt-5.3-codex", "gpt-5.1-codex-max"),
    "gemini-3-pro": ("gemini", "gemini-3.1-pro-preview", "gemini-3-pro-preview"),
    "gemini-flash": ("gemini", "gemini-3.8-flash", None),
    "gemini-pro-vision": ("gemini", "gemini-3.1-pro-preview", "gemini-pro-vision"),
    "deepseek-v3.2": ("deepseek", "deepseek-v4-flash", "deepseek-chat"),
    "deepseek-coder": ("deepseek", "deepseek-v4-pro", "deepseek-coder"),
    "text-embedding-3-large": ("openai", "text-embedding-3-large", None),
    "text-embedding-ada-002": ("openai", "text-embedding-ada-002", None),
    "mistral": ("ollama", "mistral", None),
}


def sections(**given):
    return Overrides(source="config.yaml", layers=(given,))


def new_model(**given):
    entry = {"provider": "openai", "upstream": "up", "tier": 1, "context_window": 100, "max_output_tokens": 10}
    return entry | given


class TestDefaults:
    def test_models(self):
        """The keys, and what serves each of them, are the decided ones."""
        found = {m.key: (m.provider, m.deployment.upstream_model, m.successor_of) for m in CATALOG.models.values()}
        assert found == SERVED

    def test_groups(self):
        """The groups are the specification's, in its order."""
        assert dict(CATALOG.groups) == {
            "reasoning": ("claude-opus-4.5", "gpt-5.1", "gemini-3-pro"),
            "code": ("claude-sonnet-4", "codex-max", "deepseek-coder"),
            "fast": ("claude-haiku-3.5", "gpt-5.1-mini", "gemini-flash"),
            "vision": ("claude-opus-4.5", "gpt-5.1-vision", "gemini-pro-vision"),
            "embedding": ("text-embedding-3-large", "text-embedding-ada-002"),
        }

    def test_providers(self):
        """Base URLs and environment names follow the contract; a base URL is part of a deployment's identity."""
        bases = {p.name: (p.api_base, p.key_env, p.base_env) for p in CATALOG.providers.values()}
        assert bases == {
            "anthropic": ("https://api.anthropic.com", "ANTHROPIC_API_KEY", "ANTHROPIC_API_BASE"),
            "openai": ("https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_API_BASE"),
            "gemini": ("https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY", "GEMINI_API_BASE"),
            "deepseek": ("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", "DEEPSEEK_API_BASE"),
            "ollama": ("http://127.0.0.1:11434", None, "OLLAMA_API_BASE"),
        }
        assert CATALOG.models["gpt-5.1"].deployment.id == "gpt-5.1@https://api.openai.com/v1"

    def test_only_anthropic_leaves_cached_tokens_out(self):
        """Anthropic alone reports its input without the cached parts."""
        assert [p.name for p in CATALOG.providers.values() if not p.input_includes_cached] == ["anthropic"]

    def test_codex_is_called_through_responses(self):
        """The Codex successor speaks the Responses API only."""
        assert CATALOG.models["codex-max"].deployment.mode == "responses"

    def test_groups_offer_what_they_are_named_for(self):
        """Every member of `vision` sees, every member of `embedding` embeds, all others chat and use tools."""
        assert all("vision" in model.capabilities for model in CATALOG.group("vision"))
        assert all("embeddings" in model.capabilities for model in CATALOG.group("embedding"))
        for name in ("reasoning", "code", "fast", "vision"):
            assert all({"tools", "json"} <= model.capabilities for model in CATALOG.group(name))
            assert all(model.deployment.mode != "embedding" for model in CATALOG.group(name))

    def test_long_context_starts_at_200k(self):
        """`long_context` means a window of 200,000 tokens or more, whoever set the window."""
        for model in CATALOG.models.values():
            assert ("long_context" in model.capabilities) == (model.context_window >= 200_000)

    def test_models_that_see_bound_their_images(self):
        """A model with vision says how much an image may count, or the budget hold would miss it."""
        assert all(m.max_image_tokens > 0 for m in CATALOG.models.values() if "vision" in m.capabilities)

    def test_group_members_share_a_tier(self):
        """Cost routing orders within a quality tier, so the members of a chat group are in the same one."""
        for name in ("reasoning", "code", "fast", "vision"):
            assert len({model.tier for model in CATALOG.group(name)}) == 1

    def test_output_cap(self):
        """A request that names no limit writes at most 4096 tokens, one of an agent 32,000."""
        assert (CATALOG.default_output_cap, CATALOG.default_agent_output_cap) == (4096, 32_000)

    def test_local_model_is_free_and_in_no_group(self):
        """The Ollama model costs a declared 0 and nobody fails over to it."""
        model = CATALOG.models["mistral"]
        assert (model.price.input, model.price.output, model.price.source) == (0, 0, "override")
        assert all("mistral" not in keys for keys in CATALOG.groups.values())

    def test_frozen(self):
        """A catalog cannot be changed in place: a reload makes a new one."""
        with pytest.raises(TypeError):
            CATALOG.models["x"] = CATALOG.models["gpt-5.1"]
        with pytest.raises(dataclasses.FrozenInstanceError):
            CATALOG.groups = {}


class TestNames:
    @pytest.mark.parametrize("key", SERVED)
    def test_key_and_provider_form(self, key):
        """A model answers to its key and to provider/key."""
        assert CATALOG.resolve(key).key == key
        assert CATALOG.resolve(f"{SERVED[key][0]}/{key}").key == key

    @pytest.mark.parametrize(
        ("name", "provider"),
        [
            ("openai/gpt-4o-mini", "openai"),
            ("gpt-4o-mini", "openai"),
            ("claude-3-opus-20240229", "anthropic"),
            ("gemini/gemini-1.5-flash", "gemini"),
            ("gemini/gemini-1.5-pro-latest", "gemini"),
            ("ollama/mistral", "ollama"),
        ],
    )
    def test_names_of_the_batch_specification(self, name, provider):
        """Every identifier that the batch specification names finds a model of the same provider."""
        assert CATALOG.resolve(name).provider == provider

    def test_batch_specification_names_no_other(self, request):
        """The aliases of the catalog file are exactly those names, with and without their provider."""
        text = Path(request.config.rootpath, "layers/gateway_core/src/gateway_core/data/catalog.yaml").read_text()
        given = re.findall(r"^  ([\w./-]+): [\w.-]+$", text.partition("\naliases:")[2], re.MULTILINE)
        dated = {"claude-opus-4-5-20251101", "claude-haiku-4-5-20251001"}  # as Anthropic's clients name them
        assert {name.rpartition("/")[2] for name in given} - dated == {
            "gpt-4o-mini",
            "claude-3-opus-20240229",
            "gemini-1.5-flash",
            "gemini-1.5-pro-latest",
        }

    def test_aliases_keep_their_provider(self):
        """A name with a provider in it never leads to another provider."""
        for alias, key in CATALOG.aliases.items():
            if "/" in alias:
                assert alias.partition("/")[0] == CATALOG.models[key].provider

    def test_upstream_and_retired_names(self):
        """A model answers to its served name and to the retired one; of two, the first in the catalog answers."""
        assert CATALOG.resolve("claude-sonnet-4-6").key == "claude-sonnet-4"
        assert CATALOG.resolve("claude-sonnet-4-20250514").key == "claude-sonnet-4"
        assert CATALOG.resolve("gemini-3.1-pro-preview").key == "gemini-3-pro"

    def test_unknown_model(self):
        """An unknown name is a 404 that names close matches and where to look."""
        with pytest.raises(UnknownModel, match=r"'gpt-5\.1-min'.*Did you mean gpt-5\.1-mini.*GET /v1/models") as error:
            CATALOG.resolve("gpt-5.1-min")
        assert (error.value.status, error.value.param) == (404, "model")

    def test_nothing_close(self):
        """Without a close match the message only says where to look, and cuts a long name short."""
        with pytest.raises(UnknownModel) as error:
            CATALOG.resolve("\N{SNOWMAN}" * 5000)
        assert "Did you mean" not in error.value.message
        assert len(error.value.message) < 200

    def test_group_named_as_model(self):
        """A group in place of a model is told apart from a typing mistake."""
        with pytest.raises(
            UnknownModel,
            match="'fast' is a model group: send it as model_group, or name one of its models: claude-haiku",
        ):
            CATALOG.resolve("fast")

    def test_unknown_group(self):
        """An unknown group names close ones too."""
        with pytest.raises(UnknownModel, match=r"no model group 'reasonin'\. Did you mean reasoning") as error:
            CATALOG.group("reasonin")
        assert error.value.param == "model_group"


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
