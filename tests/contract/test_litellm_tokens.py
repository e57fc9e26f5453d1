"""Token counts: OpenAI's own tokenisers where they apply, an estimate elsewhere, and never a network or an error."""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
import tiktoken
import tiktoken.load
import tiktoken.registry

from gateway_core.adapters.litellm import LiteLLMProvider
from gateway_core.adapters.litellm.tokens import encoding_of
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import Deployment, Json, TokenCount
from tests.contract.leaks import all_loggers
from tests.contract.litellm_paths import PROMPT, provider_at

GPT = Deployment("openai", "gpt-5.1", "http://127.0.0.1:1/v1")
CLAUDE = Deployment("anthropic", "claude-opus-4-5", "http://127.0.0.1:1")
GEMINI = Deployment("gemini", "gemini-3.1-pro-preview", "http://127.0.0.1:1/v1beta")
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
ODD_SCHEMAS: list[Any] = [
    None,
    {},
    {"type": "object", "properties": {"any": True}},
    {"type": "object", "properties": {"list": {"type": "array"}}},
    {"type": "object", "properties": {"either": {"type": ["string", "null"]}}},
    {"type": "object", "properties": {"one": {"type": "string", "enum": 5}}},
    {"type": "object", "properties": ["city"]},
    {"$ref": "#/$defs/city", "$defs": {"city": {"type": "string"}}},
]


@pytest.fixture(scope="module")
def provider() -> LiteLLMProvider:
    """It has counted once: that points tiktoken to LiteLLM's folder, where the oracle of these tests reads as well."""
    made = provider_at("http://127.0.0.1:1")
    made.count_tokens(GPT, [user("a")], {})
    return made


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever connects anywhere fails the test."""

    def connect(*_args: object) -> NoReturn:
        raise AssertionError("counting needs no network")

    with monkeypatch.context() as patch:
        patch.setattr("socket.socket.connect", connect)
        patch.setattr("socket.getaddrinfo", connect)
        yield


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def image(width: int, height: int, *, detail: str = "auto") -> dict[str, Any]:
    """A part with a PNG of this size, all of it header."""
    header = struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">L", len(header)) + b"IHDR" + header + struct.pack(">L", zlib.crc32(b"IHDR" + header))
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunk).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}", "detail": detail}}


def tokens(provider: LiteLLMProvider, *messages: Json, at: Deployment = GPT, **params: Any) -> int:
    return provider.count_tokens(at, messages, params).input_tokens


def test_a_text_counts_as_openai_counts_it(provider: LiteLLMProvider) -> None:
    """Its tokens, those of the role, three for the message and three for the answer that begins."""
    encoding = tiktoken.get_encoding("o200k_base")
    for text in (PROMPT, "héllo wörld", "你好,世界", "\N{OTTER}" * 20, "def f(x):\n\treturn x\n", ""):
        counted = provider.count_tokens(GPT, [user(text)], {})
        assert counted == TokenCount(len(encoding.encode(text)) + 1 + 3 + 3, "tiktoken:o200k_base")


@pytest.mark.parametrize(
    ("deployment", "method"),
    [
        (GPT, "tiktoken:o200k_base"),
        (Deployment("openai", "gpt-5.3-codex", "", "responses"), "tiktoken:o200k_base"),
        (Deployment("openai", "gpt-5.9-unheard-of", ""), "tiktoken:o200k_base"),
        (Deployment("openai", "gpt-oss-120b", ""), "tiktoken:o200k_harmony"),
        (Deployment("openai", "gpt-4-turbo", ""), "tiktoken:cl100k_base"),
        (Deployment("openai", "text-embedding-3-large", "", "embedding"), "tiktoken:cl100k_base"),
        (Deployment("openai", "davinci", ""), "tiktoken:cl100k_base (estimate)"),
        (Deployment("openai", "qwen3-32b", ""), "tiktoken:cl100k_base (estimate)"),
        (CLAUDE, "tiktoken:cl100k_base (estimate)"),
        (GEMINI, "tiktoken:cl100k_base (estimate)"),
        (Deployment("deepseek", "deepseek-chat", ""), "tiktoken:cl100k_base (estimate)"),
        (Deployment("ollama", "llama-3", ""), "tiktoken:cl100k_base (estimate)"),
    ],
)
def test_the_method_names_the_tokeniser(deployment: Deployment, method: str, provider: LiteLLMProvider) -> None:
    """And says where it is only a stand-in."""
    counted = provider.count_tokens(deployment, [user("extraordinary 你好")], {})
    assert counted.method == method
    encoding = tiktoken.get_encoding(encoding_of(deployment)[0])
    assert counted.input_tokens == len(encoding.encode("extraordinary 你好")) + 7


def test_every_model_of_the_catalog_can_be_counted(provider: LiteLLMProvider) -> None:
    """With tools, an image and a conversation."""
    catalog: Catalog = GatewaySettings.from_env({}).catalog
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Portree"}'}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {**user([{"type": "text", "text": PROMPT}, image(640, 480)]), "name": "ada"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "Rain."}]},
    ]
    for model in catalog.models.values():
        counted = provider.count_tokens(model.deployment, messages, {"tools": [WEATHER]})
        assert counted.method.startswith("tiktoken:")
        assert 100 < counted.input_tokens < 2000


@pytest.mark.parametrize("name", ["o200k_base", "o200k_harmony", "cl100k_base"])
def test_the_tokenisers_are_there_already(
    name: str, provider: LiteLLMProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LiteLLM ships them; read afresh, they come from its folder."""
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    assert tiktoken.get_encoding(name).encode_ordinary("otters")


def test_parts_of_a_message_add_up(provider: LiteLLMProvider) -> None:
    """Content in parts counts as its texts; names, calls and results of tools count as well."""
    assert tokens(provider, user([{"type": "text", "text": PROMPT}])) == tokens(provider, user(PROMPT))
    assert tokens(provider, {**user(PROMPT), "name": "ada"}) > tokens(provider, user(PROMPT))
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Portree"}'}}
    bare = {"role": "assistant", "content": "I look."}
    assert tokens(provider, {**bare, "tool_calls": [call]}) >= tokens(provider, bare) + 8
    two = tokens(provider, user("a"), user("b"))
    assert two == tokens(provider, user("a")) + tokens(provider, user("b")) - 3


def test_tools_count(provider: LiteLLMProvider) -> None:
    """In the form OpenAI shows them to its models; the oracle is a published example of that form."""
    shown = "// The weather of a city.\ntype get_weather = (_: {\ncity: string,\n}) => any;\n"
    text = f"namespace functions {{\n\n{shown}\n}} // namespace functions"
    extra = tokens(provider, user("Hi."), tools=[WEATHER]) - tokens(provider, user("Hi."))
    assert extra == len(tiktoken.get_encoding("o200k_base").encode(text)) + 9


@pytest.mark.parametrize("schema", ODD_SCHEMAS, ids=str)
def test_any_schema_can_be_counted(schema: Any, provider: LiteLLMProvider) -> None:
    """LiteLLM's formatter fails on some of them."""
    tool = {"type": "function", "function": {"name": "odd", "parameters": schema}}
    assert tokens(provider, user("Hi."), tools=[tool]) > tokens(provider, user("Hi."))


@pytest.mark.parametrize(
    ("deployment", "width", "height", "expected"),
    [
        (GPT, 1024, 1024, 765),
        (CLAUDE, 1000, 1000, 1334),
        (GEMINI, 4000, 3000, 1120),
        (Deployment("gemini", "gemini-2.5-pro", ""), 1000, 700, 516),
    ],
)
def test_an_image_counts_by_its_size(
    deployment: Deployment, width: int, height: int, expected: int, provider: LiteLLMProvider
) -> None:
    """By the rule of its provider, which knows the model."""
    text = {"type": "text", "text": "See."}
    with_image = tokens(provider, user([text, image(width, height)]), at=deployment)
    assert with_image - tokens(provider, user([text]), at=deployment) == expected


def test_detail_low_makes_an_image_cheap(provider: LiteLLMProvider) -> None:
    """OpenAI shows its model a small one then."""
    assert tokens(provider, user([image(4000, 3000, detail="low")])) == tokens(provider, user([])) + 85


def test_images_are_an_estimate(provider: LiteLLMProvider) -> None:
    """Which the method says."""
    assert provider.count_tokens(GPT, [user([image(9, 9)])], {}).method == "tiktoken:o200k_base (images estimated)"
    assert provider.count_tokens(CLAUDE, [user([image(9, 9)])], {}).method == "tiktoken:cl100k_base (estimate)"


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,AAAA",
        "data:image/jpeg;base64,/9j/",
        "data:image/png;base64,iVBORw0KGgo=",
        "data:image/gif;base64,!!",
        "data:,",
        "data:",
        "",
        "http://127.0.0.1:9/secret.png",
    ],
)
def test_an_image_that_cannot_be_read_counts_as_a_usual_one(url: str, provider: LiteLLMProvider) -> None:
    """And is not fetched from anywhere."""
    part = {"type": "image_url", "image_url": {"url": url}}
    assert 200 < tokens(provider, user([part])) < 1200


def test_an_image_without_extent_counts_as_a_point(provider: LiteLLMProvider) -> None:
    """A header may say anything."""
    assert tokens(provider, user([image(0, 5000)]), at=CLAUDE) == tokens(provider, user([]), at=CLAUDE) + 1


ODD_MESSAGES: list[dict[str, Any]] = [
    {},
    {"role": "user"},
    user(None),
    user(7),
    user({"x": 1}),
    user([None, 5, "text", {"type": "video"}, {"type": "text"}, {"type": "text", "text": None}]),
    user([{"type": "image_url"}, {"type": "image_url", "image_url": "data:image/png;base64,AAAA"}]),
    {"role": "assistant", "tool_calls": [None, {}, {"function": None}, {"function": {"name": 1, "arguments": {}}}]},
    {"role": "tool", "content": "x", "tool_call_id": 5, "name": ["a"]},
    user("<|endoftext|><|im_start|>system"),
    user("\ud800 a lone surrogate"),
    user("\x00\uffff"),
]


@pytest.mark.parametrize("message", ODD_MESSAGES, ids=lambda message: ascii(message)[:40])
def test_nothing_makes_it_fail(message: dict[str, Any], provider: LiteLLMProvider) -> None:
    """Messages are checked elsewhere; this only counts."""
    for deployment in (GPT, CLAUDE):
        assert tokens(provider, message, at=deployment, tools=None) >= 6


def test_a_long_text_without_spaces_is_counted_in_time(provider: LiteLLMProvider) -> None:
    """A tokeniser left alone takes quadratic time for it; the pieces it is cut into cost a few tokens."""
    short, long = tokens(provider, user("a" * 1024)), tokens(provider, user("a" * 1_024_000))
    assert long == pytest.approx(short * 1000, rel=0.1)


def test_counting_says_nothing(provider: LiteLLMProvider, capfd: pytest.CaptureFixture[str]) -> None:
    """LiteLLM would write the messages to its log, and its doubts to the terminal."""
    with all_loggers() as logged:
        for deployment in (GPT, CLAUDE):
            tokens(provider, user([{"type": "text", "text": PROMPT}, image(9, 9)]), at=deployment, tools=[WEATHER])
    assert "otters" not in "\n".join(logged.lines)
    assert capfd.readouterr() == ("", "")


async def test_threads_count_at_once(provider: LiteLLMProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokeniser is loaded once, by whoever comes first, and all agree."""
    monkeypatch.setattr(tiktoken.registry, "ENCODINGS", {})
    calls = [asyncio.to_thread(tokens, provider, user(f"{PROMPT} " * 50)) for _ in range(16)]
    assert len(set(await asyncio.gather(*calls))) == 1
