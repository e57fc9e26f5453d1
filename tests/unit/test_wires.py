"""The records of the wires and the rows of the providers: whole, told apart in one place, and safe on any JSON."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import astuple, replace
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gateway_core
from gateway_core.adapters.litellm.params import ALLOWED
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.chat import Deployment, ModelMode
from gateway_core.wires.errors import WireError, error_of
from gateway_core.wires.reasons import reason_of, speaks_of, status_within
from gateway_core.wires.table import LIMIT_HEADERS, PROVIDERS, WIRES, traits_of, wire_of
from gateway_core.wires.wire import Image, Reason, StreamForm, Wire

CORE = Path(gateway_core.__file__).parent
REASONS = get_args(Reason.__value__)
FINISHES = {"", "stop", "length", "tool_calls", "content_filter", "interrupted"}
each_wire = pytest.mark.parametrize("wire", WIRES.values(), ids=WIRES)


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


def words(path: Path) -> Iterator[str]:
    """Its texts, docstrings and all."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_no_other_code_names_a_provider() -> None:
    """But where a name is LiteLLM's own: of a logger, of its translators of the Responses API, of a rehearsal's."""
    litellms = {CORE / "adapters/litellm" / name for name in ("library.py", "rehearsal.py", "responses.py")}
    others = set(CORE.rglob("*.py")) - set((CORE / "wires").rglob("*.py")) - litellms
    names = {*PROVIDERS, *WIRES}
    assert {path.name: found for path in others if (found := names & set(words(path)))} == {}


OPENAI_SIZES = [(512, 512, 255), (1024, 1024, 765), (2048, 4096, 1105), (100, 1000, 425), (1, 1, 255)]
ANTHROPIC_SIZES = [(200, 200, 54), (1000, 1000, 1334), (1092, 1092, 1534), (3000, 100, 110), (1, 1, 1)]


@pytest.mark.parametrize(
    ("provider", "model", "width", "height", "expected"),
    [
        *[("openai", "gpt-5.1", *size) for size in OPENAI_SIZES],
        *[("groq", "llama-4", *size) for size in OPENAI_SIZES],
        *[("anthropic", "claude-opus-4-5", *size) for size in ANTHROPIC_SIZES],
        ("gemini", "gemini-3.1-pro-preview", 4000, 3000, 1120),
        ("gemini", "gemini-2.5-pro", 300, 300, 258),
        ("gemini", "gemini-2.5-pro", 1000, 700, 516),
    ],
)
def test_an_image_counts_by_its_size(provider: str, model: str, width: int, height: int, expected: int) -> None:
    """By each provider's rule; the examples of OpenAI and Anthropic are those of their documentation."""
    assert traits_of(provider).image_tokens(model, Image(width, height)) == expected


def test_only_some_know_a_low_detail() -> None:
    """OpenAI shows its model a small image then."""
    image = Image(4000, 3000, low_detail=True)
    assert traits_of("openai").image_tokens("gpt-5.1", image) == 85
    assert traits_of("gemini").image_tokens("gemini-3-pro", image) == 1120


@pytest.mark.parametrize(
    ("labels", "message", "reason"),
    [
        ({"context_length_exceeded", "model_not_found"}, "", "too_long"),
        ({"model_not_found"}, "prompt is too long", "gone"),
        ({"failed_precondition"}, "", "unusable"),
        (set(), "The prompt is too long for this", "too_long"),
        (set(), "API key not valid", "bad_key"),
        (set(), "Your tool says: API key not valid", None),
        ({"server_error"}, "", None),
    ],
)
def test_machine_words_come_before_prose(labels: set[str], message: str, reason: Reason | None) -> None:
    """Prose that counts against the deployment stands at the start; a provider may repeat the request behind it."""
    assert reason_of(WireError(frozenset(labels), message)) == reason


@pytest.mark.parametrize(
    ("labels", "code", "status"),
    [
        ({"invalid_request_error", "model_not_found"}, None, 404),
        ({"invalid_request_error", "invalid_api_key"}, None, 401),
        ({"insufficient_quota", "billing_error"}, None, 429),
        ({"overloaded_error"}, None, 529),
        ({"rate_limit_exceeded"}, 503, 503),
        ({"rate_limit_exceeded"}, 200, 429),
        (set(), None, 500),
    ],
)
def test_an_error_within_a_200_has_a_status(labels: set[str], code: int | None, status: int) -> None:
    """Its own number, else that of its most telling word."""
    assert status_within(WireError(frozenset(labels), "", code)) == status


def fields() -> set[str]:
    """Every short word in the readers: names of fields, and values that they look for."""
    return {word for path in (CORE / "wires").glob("*.py") for word in words(path) if 0 < len(word) < 40}


names = st.sampled_from(sorted(fields()))
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5),
    max_leaves=15,
)


@each_wire
@given(body=json)
def test_no_reader_raises(wire: Wire, body: object) -> None:
    """Whatever is sent: reasons are ours, counts can be billed, errors are errors."""
    assert wire.finish_of(body) in FINISHES
    usage = wire.usage_of(body)
    assert usage is None or all(0 <= count <= 4 * 10**9 for count in astuple(usage))
    assert isinstance(wire.refusal_of(body), str)
    assert all(isinstance(limit.per_minute, str) for limit in wire.exhausted_of(body))
    if error := wire.error_of(body):
        assert reason_of(error) in {None, *REASONS}
        assert isinstance(speaks_of(error, "no_credit"), bool)
        assert 400 <= status_within(error) <= 599


STREAMS: dict[str, StreamForm] = {name: wire.stream for name, wire in WIRES.items() if wire.stream}


@pytest.mark.parametrize("name", STREAMS)
@given(event=st.dictionaries(names, json, max_size=6))
def test_no_event_raises(name: str, event: dict[str, Any]) -> None:
    """Nor does it tell what the whole body's readers could not read."""
    facts = STREAMS[name].facts_of(event)
    assert facts.finish in FINISHES
    assert not facts.error or facts.error.keys() == {"error"}
    WIRES[name].usage_of(facts.usage)
    assert STREAMS[name].terminator_of(event, "stop") in {"", "stop", *STREAMS[name].terminators}


def test_errors_have_many_shapes() -> None:
    """An object, a text, a list around one, or a bare message, as Cohere and Mistral send it."""
    assert error_of({"error": {"type": "A", "code": 7, "message": "m"}}) == WireError(frozenset({"a"}), "m", 7)
    assert error_of({"error": "m"}) == error_of({"message": "m"}) == WireError(frozenset(), "m")
    assert error_of([{"error": {"code": "B", "message": None}}]) == WireError(frozenset({"b"}), "")
    assert error_of([]) is error_of({"error": []}) is error_of({"message": {"content": "hi"}}) is None


@pytest.mark.parametrize(
    ("error", "field"),
    [
        ({"param": "messages[1].content"}, "messages[1].content"),
        ({"param": None, "message": "tools.0.custom.name: String should match pattern"}, "tools.0.custom.name"),
        ({"message": "* GenerateContentRequest.tools[0].name: [FIELD_INVALID]"}, "tools[0].name"),
        (
            {"details": [{"fieldViolations": [{"field": "contents[1].parts"}]}], "message": "Invalid"},
            "contents[1].parts",
        ),
        ({"message": "Invalid value: 'Ada Lovelace said: hello'"}, ""),
        ({"message": "Please say more"}, ""),
        ({"param": "x" * 121}, ""),
        ({"param": 5}, ""),
    ],
)
def test_an_error_names_what_is_at_fault(error: dict[str, Any], field: str) -> None:
    """As a path in the provider's own request, and nothing that could be prose."""
    found = error_of({"error": error})
    assert found
    assert found.field == field
