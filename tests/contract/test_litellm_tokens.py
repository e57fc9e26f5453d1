"""Our counts beside LiteLLM's, which has others' experience of what OpenAI charges."""

from __future__ import annotations

import base64
import importlib
from typing import Any

import pytest

from gateway_core.adapters.litellm.library import load
from gateway_core.adapters.tokens import PromptCounter
from gateway_core.adapters.tokens.media import image_size
from gateway_core.domain.chat import Deployment
from tests.image_headers import IMAGES, SIZE

MODELS = {"o200k_base": "gpt-4o", "cl100k_base": "gpt-4"}
"""Each with a tokeniser of its own that LiteLLM uses, too."""
HELLO = [{"role": "user", "content": "Hello."}]


@pytest.fixture(scope="module")
def litellm() -> Any:
    return load().litellm


def ours(counter: PromptCounter, model: str, messages: Any, **params: Any) -> int:
    return counter.count(Deployment("openai", model, ""), messages, params).input_tokens


def tool(parameters: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "function",
        "function": {"name": "look_up", "description": "Looks up.", "parameters": parameters},
    } | more


def members(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)[:1]}


TEXT = {"type": "string", "description": "What to look for."}
SAME: list[Any] = [
    members(query=TEXT),
    members(
        query=TEXT, most={"type": "integer"}, exact={"type": "boolean"}, score={"type": "number"}, no={"type": "null"}
    ),
    members(unit={"type": "string", "enum": ["celsius", "fahrenheit"]}, size={"type": "integer", "enum": [1, 2]}),
    members(
        tags={"type": "array", "items": {"type": "string"}},
        grid={"type": "array", "items": {"type": "array", "items": TEXT}},
    ),
    members(place=members(city=TEXT, point=members(lat={"type": "number"}, lon={"type": "number"})), when={}),
    members(places={"type": "array", "items": members(city=TEXT)}, rest={"type": "object"}),
    members(odd={"$ref": "#/$defs/odd"}),
    {"type": "object", "properties": {}},
    {},
    None,
]
NEAR: list[Any] = [
    members(either={"type": ["string", "null"]}),
    members(either={"anyOf": [{"type": "string"}, {"type": "null"}]}, one={"oneOf": [TEXT, {"type": "integer"}]}),
    members(kind={"enum": ["a", "b"]}),
]


@pytest.mark.parametrize("model", MODELS.values())
@pytest.mark.parametrize("parameters", SAME, ids=str)
def test_tools_count_the_same(parameters: Any, model: str, litellm: Any, counter: PromptCounter) -> None:
    """To the token, alone and with others."""
    for tools in (
        [tool(parameters)],
        [tool(parameters), tool(members(other=TEXT)), {"type": "function", "function": {}}],
    ):
        theirs = litellm.token_counter(model=model, messages=HELLO, tools=tools)
        known = [one for one in tools if one["function"]]
        assert ours(counter, model, HELLO, tools=known) == theirs


@pytest.mark.parametrize("parameters", NEAR, ids=str)
def test_unions_count_a_little_more(parameters: Any, litellm: Any, counter: PromptCounter) -> None:
    """LiteLLM has `any` for them, however much they say."""
    theirs = litellm.token_counter(model="gpt-4o", messages=HELLO, tools=[tool(parameters)])
    assert 0 < ours(counter, "gpt-4o", HELLO, tools=[tool(parameters)]) - theirs <= 12


@pytest.mark.parametrize("model", MODELS.values())
def test_messages_count_the_same(model: str, litellm: Any, counter: PromptCounter) -> None:
    """Whatever their length, and whoever wrote them; only the names of called functions LiteLLM leaves out."""
    for text in ("", "Hello.", "你好,世界 " * 400, "a" * 100_000, "<|endoftext|>", "def f(x):\n\treturn x\n" * 999):
        messages = [{"role": "system", "content": text}, {"role": "user", "content": text, "name": "ada"}]
        assert ours(counter, model, messages) == litellm.token_counter(model=model, messages=messages)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"city": "Portree"}'}}
    messages = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    assert ours(counter, model, messages) == litellm.token_counter(model=model, messages=messages) + 1


@pytest.mark.parametrize("kind", IMAGES)
def test_images_have_the_same_sizes(kind: str, litellm: Any) -> None:
    """All kinds that callers send."""
    theirs = importlib.import_module("litellm.litellm_core_utils.token_counter").get_image_dimensions
    url = f"data:image/{kind};base64,{base64.b64encode(IMAGES[kind]).decode()}"
    assert image_size(url) == theirs(url) == SIZE
