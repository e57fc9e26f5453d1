"""LiteLLM's identifiers: the catalog first, then its map; prices exact, and refused where there is none."""

from __future__ import annotations

import gzip
import hashlib
import json
from decimal import Decimal
from functools import cache

import pytest

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.model_map import ModelMap, packaged_map, read_map
from gateway_core.config.price_list import PricingSection
from gateway_core.domain.caller import Attribution, Caller
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.errors import ConfigError, Forbidden, InvalidRequest, UnknownModel
from gateway_core.routing.plan import candidates, reachable_models
from scripts.update_prices import main, map_path

SPEC = {
    "openai/gpt-4o-mini": "gpt-5.1-mini",
    "gpt-4o-mini": "gpt-5.1-mini",
    "claude-3-opus-20240229": "claude-opus-4.5",
    "gemini/gemini-1.5-flash": "gemini-flash",
    "gemini/gemini-1.5-pro-latest": "gemini-3-pro",
    "ollama/mistral": "mistral",
}
ANYTHING = ChatRequest(({"role": "user", "content": "Hi."},), Attribution("alpha"))


@cache
def litellms() -> dict:
    return json.loads(map_path().read_text("utf-8"), parse_float=Decimal)


@cache
def known(key: str):
    """What the packaged map has; looking each of thousands up takes a second."""
    return packaged_map().find(key)


@cache
def catalog(**options):
    return load_catalog(Overrides(**options))


def caller(*models: str, groups: tuple[str, ...] = (), admin: bool = False) -> Caller:
    return Caller("alpha", "key_1", "d", "t", admin=admin, groups=frozenset(groups), models=frozenset(models))


def asked(model: str | None, **more) -> ChatRequest:
    return ChatRequest(ANYTHING.messages, ANYTHING.attribution, model=model, **more)


class TestMap:
    def test_make_prices_writes_it(self, tmp_path):
        """What ships is what it makes of the pinned LiteLLM, beside the prices of the catalog."""
        day = json.loads(packaged_text().partition("\n")[0])["date"]
        made = tmp_path / "map.gz"
        main(["--date", day, "--output", str(tmp_path / "prices.json"), "--map-output", str(made)])
        assert gzip.decompress(made.read_bytes()).decode() == packaged_text()

    def test_every_chat_model_is_there(self):
        """By its key, or by it and its provider; and nothing but chat."""
        chat = [key for key, entry in litellms().items() if entry.get("mode") in ("chat", "responses")]
        assert len(chat) > 1000
        assert [key for key in chat if known(key) is None] == []
        assert packaged_map().find("text-embedding-3-large") is None

    def test_rates_and_windows_are_the_maps(self):
        """Exactly, for each: compared without the snapshot's own code."""
        priced = 0
        for key, entry in litellms().items():
            model = known(key) if entry.get("mode") in ("chat", "responses") else None
            if model is None or model.identifier not in (key, f"{entry['litellm_provider']}/{key}"):
                continue
            if model.identifier != key and model.identifier in litellms():
                continue  # LiteLLM has it twice: with its provider it is what is meant
            assert model.context_window in (entry.get("max_input_tokens"), None)
            if model.price:
                priced += 1
                assert model.price.input == entry["input_cost_per_token"] * 10**9
                assert model.price.output == entry["output_cost_per_token"] * 10**9
                cached = entry.get("cache_read_input_token_cost") or entry["input_cost_per_token"]
                assert model.price.cached_input == cached * 10**9
            elif "tiered_pricing" not in entry and "output_cost_per_reasoning_token" not in entry:
                assert not (entry.get("input_cost_per_token") and entry.get("output_cost_per_token"))
        assert priced > 1000

    def test_tiers(self):
        """Those above a threshold come along."""
        price = packaged_map().find("gemini/gemini-2.5-pro").price
        assert [(tier.above_tokens, tier.input) for tier in price.tiers] == [(200_000, 2500)]

    def test_audio_and_service_tiers(self):
        """Those come along as well."""
        price = packaged_map().find("openai/gpt-audio").price
        assert (price.audio_input, price.audio_output) == (32_000, 64_000)
        assert packaged_map().find("openai/gpt-5").price.service_tiers["priority"].input == 2500

    @pytest.mark.parametrize("name", ["", "x", "perplexity/sonar\t", "\nperplexity/sonar", "sonar\t{", "perplexity/"])
    def test_what_is_not_there(self, name):
        """No part of a line is a name."""
        assert packaged_map().find(name) is None

    def test_an_edit_shows(self):
        """The fingerprint is of every byte of the models."""
        with pytest.raises(ConfigError, match="make prices"):
            read_map(packaged_text().replace('"input":"1"', '"input":"2"', 1))

    def test_its_fingerprint_is_of_the_models(self):
        """As the header says."""
        assert packaged_map().sha256 == hashlib.sha256(packaged_text().partition("\n")[2].encode()).hexdigest()
        assert isinstance(packaged_map(), ModelMap)
        assert len(packaged_map().names()) > 1000

    def test_a_cold_start_does_not_read_it(self):
        """Not for the catalog's models, nor for groups."""
        packaged_map.cache_clear()
        for name in ("gpt-5.1", *SPEC):
            catalog().resolve(name)
        with pytest.raises(UnknownModel):
            catalog().resolve("reasoning")
        assert packaged_map.cache_info().currsize == 0


class TestIdentifiers:
    @pytest.mark.parametrize("name", SPEC)
    def test_those_of_the_specification_are_the_catalogs(self, name):
        """Each is an alias of a model that is served."""
        assert catalog().resolve(name).key == SPEC[name]
        assert catalog().resolve(name).listed

    def test_one_outside(self):
        """At the provider's own address, with LiteLLM's price and limits."""
        model = catalog().resolve("perplexity/sonar")
        assert (model.key, model.provider, model.listed) == ("perplexity/sonar", "perplexity", False)
        assert model.deployment.api_base == "https://api.perplexity.ai"
        assert (model.context_window, model.price.input) == (128_000, 1000)
        assert model.price.source.startswith("litellm-")
        assert model.price_hash == packaged_map().sha256[:16]
        assert not model.is_watched

    def test_one_of_a_provider_of_the_catalog(self):
        """By its name alone too, as LiteLLM takes it."""
        assert catalog().resolve("gpt-4.1").key == catalog().resolve("openai/gpt-4.1").key == "openai/gpt-4.1"
        assert catalog().resolve("gpt-4.1").deployment.api_base == "https://api.openai.com/v1"

    def test_without_a_price(self):
        """Refused with what to do, or free and said to be unpriced, or at the operator's price."""
        with pytest.raises(UnknownModel, match=r"pricing\.models"):
            catalog().resolve("groq/no-such-model")
        free = catalog(allow_unpriced=True).resolve("groq/no-such-model")
        assert (free.price.input, free.price.output, free.price.source) == (0, 0, "unpriced")
        declared = PricingSection.model_validate({"models": {"groq/no-such-model": {"input": 1, "output": 2}}})
        assert load_catalog(Overrides(pricing=declared)).resolve("groq/no-such-model").price.output == 2000

    def test_a_provider_without_an_address(self):
        """Says which variable and which field would give it one."""
        with pytest.raises(UnknownModel, match=r"HOSTED_VLLM_API_BASE, or providers\.hosted_vllm\.base_url"):
            catalog(allow_unpriced=True).resolve("hosted_vllm/mine")
        base = {"HOSTED_VLLM_API_BASE": "https://vllm.example/v1"}
        found = load_catalog(Overrides(allow_unpriced=True, env_text=base.get)).resolve("hosted_vllm/mine")
        assert found.deployment.api_base == "https://vllm.example/v1"

    @pytest.mark.parametrize("name", ["vertex_ai/gemini-2.5-pro", "azure/gpt-4o"])
    def test_a_provider_that_nobody_set_up(self, name):
        """Known to LiteLLM, but not to be called so."""
        with pytest.raises(UnknownModel, match="can add it to providers"):
            catalog().resolve(name)

    @pytest.mark.parametrize(
        "name",
        [
            "nope",
            "nope/x",
            "groq/",
            "/x",
            "groq/../x",
            "groq//x",
            "groq/a b",
            "groq/x?y",
            "GROQ/x",
            "groq/x\n",
            "groq/%2e",
        ],
    )
    def test_what_is_no_identifier(self, name):
        """Is a model that there is not; no such name reaches a path."""
        with pytest.raises(UnknownModel, match="There is no model"):
            catalog(allow_unpriced=True).resolve(name)

    def test_coheres_names_as_litellm_wants_them(self):
        """With the version of the API, once."""
        free = catalog(allow_unpriced=True)
        for name in ("cohere/command-a-03-2025", "cohere/v2/command-a-03-2025"):
            assert free.resolve(name).deployment.upstream_model == "v2/command-a-03-2025"


class TestRights:
    def test_default_is_deny(self):
        """A plain key may use the catalog; the remedy names the option."""
        with pytest.raises(Forbidden, match=r"--models 'perplexity/sonar'") as caught:
            reachable_models(caller(), asked("perplexity/sonar"), catalog())
        assert caught.value.param == "model"
        assert reachable_models(caller(), asked("gpt-5.1"), catalog()) is None
        assert reachable_models(caller(), asked("ollama/mistral"), catalog()) is None

    def test_an_admin_may(self):
        """Unless it is bound to groups or patterns."""
        assert reachable_models(caller(admin=True), asked("perplexity/sonar"), catalog()) is None
        for bound in (caller(admin=True, groups=("fast",)), caller("groq/*", admin=True)):
            with pytest.raises(Forbidden):
                reachable_models(bound, asked("perplexity/sonar"), catalog())

    @pytest.mark.parametrize(
        ("pattern", "fits"),
        [
            ("*", True),
            ("perplexity/*", True),
            ("perplexity/sonar", True),
            ("perplexity/sona?", True),
            ("perplexity/sonar-*", False),
            ("groq/*", False),
            ("Perplexity/*", False),
            ("sonar", False),
        ],
    )
    def test_patterns(self, pattern, fits):
        """Match the whole identifier, in its own case."""
        assert caller(pattern).may_use_outside("perplexity/sonar") is fits

    def test_a_name_without_its_provider_is_judged_by_it(self):
        """Nothing passes by being called otherwise."""
        with pytest.raises(Forbidden):
            reachable_models(caller("gpt-*"), asked("gpt-4.1"), catalog())
        assert reachable_models(caller("openai/gpt-4*"), asked("gpt-4.1"), catalog()) is None

    def test_groups_and_patterns_add_up(self):
        """Those of the groups, and those of the patterns, and no other of the catalog."""
        both = caller("perplexity/*", groups=("fast",))
        assert "perplexity/sonar" in (reachable_models(both, asked("perplexity/sonar"), catalog()) or ())
        assert reachable_models(both, asked("gpt-5.1-mini"), catalog())
        with pytest.raises(Forbidden):
            reachable_models(both, asked("gpt-5.1"), catalog())
        with pytest.raises(Forbidden):
            reachable_models(both, asked("openai/gpt-5.1"), catalog())


class TestApiBase:
    OPEN = Overrides(api_base_hosts=frozenset({"llm.example.com", "api.openai.com"}), allow_unpriced=True)

    def test_nobody_else_is_called_there(self):
        """Not the model's fallbacks, and not a group."""
        open_catalog = load_catalog(self.OPEN)
        request = asked("gpt-5.1", api_base="https://llm.example.com/v1", fallback=True, model_group="reasoning")
        (model,) = candidates(request, open_catalog)
        assert (model.deployment.api_base, model.deployment.reach) == ("https://llm.example.com/v1", "public")
        assert not model.is_watched
        with pytest.raises(InvalidRequest, match="needs a model"):
            candidates(asked(None, api_base="https://llm.example.com/v1"), open_catalog)

    def test_a_provider_without_an_address_gets_one(self):
        """That is what it is for."""
        request = asked("hosted_vllm/mine", api_base="https://llm.example.com/v1")
        (model,) = candidates(request, load_catalog(self.OPEN))
        assert model.deployment.upstream_model == "mine"

    def test_the_configured_one_is_the_configured_one(self):
        """Then nothing is overridden, but the key must still be allowed to name it."""
        request = asked("gpt-5.1", api_base="https://api.openai.com/v1/")
        (model,) = candidates(request, load_catalog(self.OPEN))
        assert model.is_watched
        with pytest.raises(Forbidden, match="--api-base-host"):
            reachable_models(caller(), request, load_catalog(self.OPEN))


def packaged_text() -> str:
    from importlib import resources  # noqa: PLC0415 - only here

    return gzip.decompress((resources.files("gateway_core") / "data" / "model_map.jsonl.gz").read_bytes()).decode()
