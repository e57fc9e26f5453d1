"""Requests of models by their names, over wires of our own."""

from __future__ import annotations

from typing import Any

import pytest

from tests.wires.answers import Told
from tests.wires.case import call, calling, result, tool, user
from tests.wires.gateway import COLUMNS, Heard, Lab

PROVIDERS = {column.model: column.provider for column in COLUMNS}
PROVIDERS |= {"claude-sonnet-4": "anthropic", "claude-haiku-3.5": "anthropic", "gemini-flash": "gemini"}
PROVIDERS |= {"gpt-5.1-mini": "openai", "deepseek-coder": "deepseek"}
CLAUDES = pytest.mark.parametrize("model", ["claude-opus-4.5", "claude-sonnet-4", "claude-haiku-3.5"])
EVERY_MODEL = pytest.mark.parametrize("model", PROVIDERS)
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
PING = tool("ping", {"type": "object", "properties": {}})
LOOK_UP = tool("look_up", {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
Q, HI = user("q"), user("hi")
TURN = [Q, calling(call("look_up", '{"q":"x"}', "toolu_1")), result("toolu_1", "r")]


def chat(lab: Lab, model: str, messages: list[Any], *, streamed: bool = False, **options: Any) -> Heard:
    """By OpenAI's chat form."""
    stream = {"stream": True} if streamed else {}
    provider = PROVIDERS.get(model, "anthropic")
    return lab.ask(provider, "/v1/chat/completions", {"model": model, "messages": messages, **options, **stream})


def complete(lab: Lab, messages: list[Any], **options: Any) -> Heard:
    """By our own form."""
    return lab.ask("anthropic", "/v1/complete", {"messages": messages, **options})


def body(heard: Heard) -> dict[str, Any]:
    """What the provider got, once."""
    assert heard.told.status == 200, heard.told.error
    (sent,) = heard.sent
    return sent.body


def answer(heard: Heard) -> Told:
    assert heard.told.status == 200, heard.told.error
    assert heard.told.error is None
    return heard.told
