"""The catalog that ships: what it contains, and how names are found."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from gateway_core.domain.errors import UnknownModel
from tests.unit.catalogs import CATALOG

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
