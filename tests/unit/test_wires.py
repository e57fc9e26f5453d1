"""The records of the wires and the rows of the providers: whole, and told apart in one place."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace
from typing import Any

import pytest

from gateway_core.adapters.litellm.params import ALLOWED
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.chat import Deployment, ModelMode
from gateway_core.wires.table import LIMIT_HEADERS, PROVIDERS, WIRES, traits_of, wire_of
from gateway_core.wires.wire import Wire
from tests.unit.sources import texts_of
from tests.unit.wire_records import CORE, REASONS, each_wire


@each_wire
def test_a_wire_has_a_file_of_its_own(wire: Wire) -> None:
    """Which holds its record under the same name."""
    module = importlib.import_module(f"gateway_core.wires.{wire.name}")
    assert getattr(module, wire.name.upper()) is wire
    assert WIRES[wire.name] is wire


@each_wire
def test_a_wire_has_all_its_parts(wire: Wire) -> None:
    """Readers that find nothing in nothing, and a list of models."""
    assert (wire.finish_of({}), wire.usage_of({}), wire.error_of({}), wire.refusal_of({})) == ("", None, None, "")
    assert wire.exhausted_of({}) == []
    assert re.fullmatch(r"/[\w/-]+(\?\w+=\d+)?", wire.models.path)
    assert wire.models.entries
    assert wire.models.name in {"id", "modelId", "name"}
    assert {wire.models.key_header, *dict(wire.models.headers)} <= {"authorization", "x-api-key", "x-goog-api-key"} | {
        "anthropic-version"
    }
    assert wire.cannot_carry <= ALLOWED


@each_wire
def test_the_words_of_its_errors_are_as_they_are_compared(wire: Wire) -> None:
    """Labels in lower case, prose that is a pattern, statuses that are errors."""
    for sign in wire.error_signs:
        assert sign.reason in REASONS
        assert sign.labels or sign.prose
        assert all(label == label.lower() for label in sign.labels)
        assert all(re.compile(prose) for prose in sign.prose)
    assert all(400 <= status <= 599 for status in wire.error_statuses.values())


@pytest.mark.parametrize("headers", LIMIT_HEADERS, ids=lambda headers: headers.prefix)
def test_headers_of_limits_begin_alike(headers: Any) -> None:
    """Else the exchange would not keep them; each has a place for what it tells."""
    names = (*headers.requests, *headers.tokens, *headers.no_period)
    assert all(name.startswith(headers.prefix) and name.count("{}") == 1 for name in names)
    assert all(name == name.lower() for name in names)


def test_a_stream_is_read_or_an_answer_comes_whole() -> None:
    """A stream that names no terminators ends with its finish reason."""
    ends = {name: wire.stream and sorted(wire.stream.terminators) for name, wire in WIRES.items()}
    assert ends == {
        "anthropic": ["message_stop"],
        "bedrock": ["metadata"],
        "openai_chat": ["[DONE]"],
        "openai_responses": ["response.completed", "response.failed", "response.incomplete"],
        "gemini": [],
        "openai_embeddings": None,
        "cohere": None,
        "ollama": None,
    }


KNOWN = (
    "anthropic",
    "openai",
    "gemini",
    "deepseek",
    "cohere",
    "ollama",
    "azure",
    "bedrock",
    "mistral",
    "vertex_ai",
    "xai",
    "perplexity",
    "deepinfra",
    "nvidia_nim",
    "cerebras",
    "baseten",
    "sambanova",
    "volcengine",
    "nebius",
    "wandb",
    "groq",
    "codestral",
    "dashscope",
    "featherless_ai",
    "friendliai",
    "github",
    "hyperbolic",
    "inception",
    "lambda_ai",
    "llamafile",
    "lm_studio",
    "meta_llama",
    "moonshot",
    "novita",
    "nscale",
    "vercel_ai_gateway",
    "zai",
)


def test_the_table_has_who_is_known() -> None:
    """Each under its own name, on wires of the table."""
    assert set(PROVIDERS) == set(KNOWN)
    for name, row in PROVIDERS.items():
        assert row.name == name
        assert {row.chat, row.responses, *filter(None, [row.embeddings])} <= set(WIRES.values())


def test_who_is_not_known_speaks_openais_wire() -> None:
    """Under its own name everywhere."""
    row = traits_of("together_ai")
    assert (row.otel_name, row.display_name, row.litellm_name) == ("together_ai", "together_ai", "together_ai")
    assert (row.chat.name, row.embeddings, row.output_limit) == ("openai_chat", None, "max_tokens")
    assert not any((row.takes_reasoning, row.takes_signatures, row.has_public_tokenizer))


def test_names_that_differ() -> None:
    """In telemetry as the semantic conventions have them, in errors as people write them, and at LiteLLM."""
    rows = [(row.otel_name, row.display_name, row.litellm_name) for row in map(traits_of, ("gemini", "cohere", "xai"))]
    assert rows == [
        ("gcp.gemini", "Gemini", "gemini"),
        ("cohere", "cohere", "cohere_chat"),
        ("x_ai", "xai", "xai"),
    ]


@pytest.mark.parametrize(
    ("provider", "mode", "name"),
    [
        ("cohere", "chat", "cohere"),
        ("ollama", "chat", "ollama"),
        ("ollama", "embedding", "openai_embeddings"),
        ("azure", "responses", "openai_responses"),
        ("openai", "embedding", "openai_embeddings"),
        ("gemini", "embedding", "openai_embeddings"),
    ],
)
def test_the_mode_decides_among_a_providers_wires(provider: str, mode: ModelMode, name: str) -> None:
    """What nobody can embed is read as OpenAI's all the same."""
    assert wire_of(Deployment(provider, "m", "https://h", mode)).name == name


def test_the_engine_decides_on_ollamas_wire() -> None:
    """LiteLLM calls its own, we OpenAI's beside it; its list of models is where it was."""
    by_litellm = Deployment("ollama", "m", "https://h")
    assert wire_of(by_litellm).name == "ollama"
    assert wire_of(replace(by_litellm, engine="native")).name == "openai_chat"
    assert traits_of("ollama").models_endpoint.path == "/api/tags"
    assert traits_of("openai").models_endpoint.path == "/models"


def test_the_catalog_counts_as_the_wires_do() -> None:
    """The convention that each price is computed by."""
    providers = GatewaySettings.from_env({}).catalog.providers
    said = {name: provider.input_includes_cached for name, provider in providers.items()}
    assert said == {name: traits_of(name).chat.input_includes_cached for name in said}


def test_no_other_code_names_a_provider() -> None:
    """But where a name is LiteLLM's own: of a logger, of its translators of the Responses API, of a rehearsal's."""
    litellms = {CORE / "adapters/litellm" / name for name in ("library.py", "rehearsal.py", "responses.py")}
    others = set(CORE.rglob("*.py")) - set((CORE / "wires").rglob("*.py")) - litellms
    names = {*PROVIDERS, *WIRES}
    quoted = re.compile(rf"""["']({"|".join(map(re.escape, names))})["']""")
    near = [path for path in others if quoted.search(path.read_text("utf-8"))]
    assert {path.name: found for path in near if (found := names & texts_of(path).all)} == {}
