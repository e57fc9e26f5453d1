"""Token counts: OpenAI's own tokenisers where they apply, an estimate elsewhere, and never a network or LiteLLM."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import tiktoken
from tiktoken.load import load_tiktoken_bpe
from tiktoken_ext import openai_public

from gateway_core.adapters.tokens import PromptCounter
from gateway_core.adapters.tokens.encodings import _VOCABULARIES, _folder, encoding_of
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.answer import TokenCount
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import Deployment
from tests.contract.counted_tokens import CLAUDE, GEMINI, GPT, ODD_SCHEMAS, image, tokens, user
from tests.contract.leaks import all_loggers
from tests.contract.simulator_desk import WEATHER

pytestmark = pytest.mark.usefixtures("no_network")

PROMPT = "Tell me of the otters of Skye, and of their winters."


@pytest.fixture(scope="module")
def oracle() -> Iterator[Any]:
    """What tiktoken itself makes of the files that LiteLLM has, as LiteLLM lets it find them.

    Each file is read once, and made an encoding once: the harmony format has but special tokens of its own.
    """
    made: dict[tuple[str, int], tiktoken.Encoding] = {}

    def encoding(name: str) -> tiktoken.Encoding:
        told = getattr(openai_public, name)()
        same = told["pat_str"], id(told["mergeable_ranks"])
        return made.get(same) or made.setdefault(same, tiktoken.Encoding(**told))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(_folder()))
        patch.setattr(openai_public, "load_tiktoken_bpe", cache(load_tiktoken_bpe))
        yield encoding


def test_a_text_counts_as_openai_counts_it(counter: PromptCounter, oracle: Any) -> None:
    """Its tokens, those of the role, three for the message and three for the answer that begins."""
    encoding = oracle("o200k_base")
    for text in (PROMPT, "héllo wörld", "你好,世界", "\N{OTTER}" * 20, "def f(x):\n\treturn x\n", ""):
        counted = counter.count(GPT, [user(text)], {})
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
def test_the_method_names_the_tokeniser(
    deployment: Deployment, method: str, counter: PromptCounter, oracle: Any
) -> None:
    """And says where it is only a stand-in."""
    counted = counter.count(deployment, [user("extraordinary 你好")], {})
    assert counted.method == method
    encoding = oracle(encoding_of(deployment)[0])
    assert counted.input_tokens == len(encoding.encode("extraordinary 你好")) + 7


def test_every_model_of_the_catalog_can_be_counted(counter: PromptCounter) -> None:
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
        counted = counter.count(model.deployment, messages, {"tools": [WEATHER]})
        assert counted.method.startswith("tiktoken:")
        assert 100 < counted.input_tokens < 2000


ODD_TEXTS = [
    "a" * 900,
    "It's  \t  we'LL\r\n\r\n   they'd   \n",
    "McDonald's iPhone HTMLParser straße ÅNGSTRÖM\u0301",
    "1234567 3.14159 ½ Ⅷ ٣",
    "!!!??//\n--=>{}[]\\\r\n",
    "\u200d\u200b\u00a0\u3000 \N{OTTER}\N{ZERO WIDTH JOINER}\N{OTTER}",
    "你好,世界 こんにちは Привет नमस्ते",
    "<|endoftext|><|im_start|>",
    "\ud800 lone \udfff",
    " ",
    "",
]


@pytest.mark.parametrize("name", ["o200k_base", "o200k_harmony", "cl100k_base"])
def test_the_tokenisers_are_those_of_tiktoken(name: str, counter: PromptCounter, oracle: Any) -> None:
    """With its patterns, and all its tokens."""
    ours = counter._encodings._of(_VOCABULARIES[name])
    theirs = oracle(name)
    assert ours._pat_str == theirs._pat_str
    for text in (PROMPT, *ODD_TEXTS):
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)


def test_parts_of_a_message_add_up(counter: PromptCounter) -> None:
    """Content in parts counts as its texts; names, calls and results of tools count as well."""
    assert tokens(counter, user([{"type": "text", "text": PROMPT}])) == tokens(counter, user(PROMPT))
    assert tokens(counter, {**user(PROMPT), "name": "ada"}) > tokens(counter, user(PROMPT))
    call = {"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Portree"}'}}
    bare = {"role": "assistant", "content": "I look."}
    assert tokens(counter, {**bare, "tool_calls": [call]}) >= tokens(counter, bare) + 8
    two = tokens(counter, user("a"), user("b"))
    assert two == tokens(counter, user("a")) + tokens(counter, user("b")) - 3


def test_tools_count(counter: PromptCounter, oracle: Any) -> None:
    """In the form OpenAI shows them to its models; the oracle is a published example of that form."""
    shown = "// The weather of a city.\ntype get_weather = (_: {\ncity: string,\n}) => any;\n"
    text = f"namespace functions {{\n\n{shown}\n}} // namespace functions"
    extra = tokens(counter, user("Hi."), tools=[WEATHER]) - tokens(counter, user("Hi."))
    assert extra == len(oracle("o200k_base").encode(text)) + 9


@pytest.mark.parametrize("schema", ODD_SCHEMAS, ids=str)
def test_any_schema_can_be_counted(schema: Any, counter: PromptCounter) -> None:
    """Callers' schemas are theirs."""
    tool = {"type": "function", "function": {"name": "odd", "parameters": schema}}
    assert tokens(counter, user("Hi."), tools=[tool]) > tokens(counter, user("Hi."))


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
    deployment: Deployment, width: int, height: int, expected: int, counter: PromptCounter
) -> None:
    """By the rule of its provider, which knows the model."""
    text = {"type": "text", "text": "See."}
    with_image = tokens(counter, user([text, image(width, height)]), at=deployment)
    assert with_image - tokens(counter, user([text]), at=deployment) == expected


def test_detail_low_makes_an_image_cheap(counter: PromptCounter) -> None:
    """OpenAI shows its model a small one then."""
    assert tokens(counter, user([image(4000, 3000, detail="low")])) == tokens(counter, user([])) + 85


def test_images_are_an_estimate(counter: PromptCounter) -> None:
    """Which the method says."""
    assert counter.count(GPT, [user([image(9, 9)])], {}).method == "tiktoken:o200k_base (images estimated)"
    assert counter.count(CLAUDE, [user([image(9, 9)])], {}).method == "tiktoken:cl100k_base (estimate)"


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
def test_an_image_that_cannot_be_read_counts_as_a_usual_one(url: str, counter: PromptCounter) -> None:
    """And is not fetched from anywhere."""
    part = {"type": "image_url", "image_url": {"url": url}}
    assert 200 < tokens(counter, user([part])) < 1200


def test_an_image_without_extent_counts_as_a_point(counter: PromptCounter) -> None:
    """A header may say anything."""
    assert tokens(counter, user([image(0, 5000)]), at=CLAUDE) == tokens(counter, user([]), at=CLAUDE) + 1


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
def test_nothing_makes_it_fail(message: dict[str, Any], counter: PromptCounter) -> None:
    """Messages are checked elsewhere; this only counts."""
    for deployment in (GPT, CLAUDE):
        assert tokens(counter, message, at=deployment, tools=None) >= 6


def test_a_long_text_without_spaces_is_counted_in_time(counter: PromptCounter) -> None:
    """A tokeniser left alone takes quadratic time for it; the pieces it is cut into cost a few tokens."""
    short, long = tokens(counter, user("a" * 1024)), tokens(counter, user("a" * 1_024_000))
    assert long == pytest.approx(short * 1000, rel=0.1)


def test_counting_says_nothing(counter: PromptCounter, capfd: pytest.CaptureFixture[str]) -> None:
    """LiteLLM would write the messages to its log, and its doubts to the terminal."""
    with all_loggers() as logged:
        for deployment in (GPT, CLAUDE):
            tokens(counter, user([{"type": "text", "text": PROMPT}, image(9, 9)]), at=deployment, tools=[WEATHER])
    assert "otters" not in "\n".join(logged.lines)
    assert capfd.readouterr() == ("", "")


def test_an_image_may_be_a_url_alone(counter: PromptCounter) -> None:
    """As some clients send it."""
    full = image(2000, 200)
    assert tokens(counter, user([{"type": "image_url", "image_url": full["image_url"]["url"]}])) == tokens(
        counter, user([full])
    )


def test_a_schema_may_be_nested_deeply(counter: PromptCounter) -> None:
    """Deeper than Python likes to follow it."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(600):
        schema = {"type": "object", "properties": {"a": schema}}
    tool = {"type": "function", "function": {"name": "deep", "parameters": schema}}
    assert tokens(counter, user("Hi."), tools=[tool]) > 600


def test_tools_that_are_no_functions_count_as_json(counter: PromptCounter) -> None:
    """Nothing is known of how they are shown."""
    custom = {"type": "custom", "custom": {"name": "shell", "description": "Runs a command. " * 20}}
    assert tokens(counter, user("Hi."), tools=[WEATHER, custom]) > tokens(counter, user("Hi."), tools=[WEATHER]) + 60
