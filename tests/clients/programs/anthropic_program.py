"""Anthropic's SDK as its documentation shows it."""

from __future__ import annotations

from typing import Any

import anthropic
from anthropic.types import Message
from program import KEY, URL, serve
from pydantic import BaseModel

HELLO: Any = [{"role": "user", "content": "Say hello to everybody"}]
WEATHER: Any = {
    "name": "weather",
    "description": "The weather in a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
_MODES: dict[str, Any] = {
    "budget": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "adaptive": {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
}


class Answer(BaseModel):
    """What is asked for."""

    answer: str


def _client(key: str = KEY) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=URL.removesuffix("/v1"), api_key=key, max_retries=0)


def _text(message: Message) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def create(model: str) -> dict[str, Any]:
    """A whole answer."""
    message = _client().messages.create(model=model, max_tokens=2000, system="Be brief.", messages=HELLO)
    return {
        "text": _text(message),
        "stop": message.stop_reason,
        "model": message.model,
        "usage": [message.usage.input_tokens, message.usage.output_tokens],
    }


def stream(model: str) -> dict[str, Any]:
    """Pieces, and what they are together."""
    with _client().messages.stream(model=model, max_tokens=2000, system="Be brief.", messages=HELLO) as answer:
        pieces = list(answer.text_stream)
        message = answer.get_final_message()
    return {
        "pieces": len(pieces),
        "text": _text(message),
        "stop": message.stop_reason,
        "usage": [message.usage.input_tokens, message.usage.output_tokens],
    }


def tools(model: str, mode: str | None = None) -> dict[str, Any]:
    """Two questions in one streamed conversation, each of which takes the tool; all blocks go back as they came."""
    client = _client()
    messages: list[Any] = []
    called: list[Any] = []
    texts, kinds = [], set()
    asked: dict[str, Any] = {"model": model, "max_tokens": 2000, "tools": [WEATHER], **_MODES.get(mode or "", {})}
    for question in ("What is the weather? [[tool]]", "And tomorrow? [[tool]]"):
        messages.append({"role": "user", "content": question})
        while True:
            with client.messages.stream(**asked, messages=messages) as answer:
                message = answer.get_final_message()
            messages.append({"role": "assistant", "content": message.content})
            kinds |= {block.type for block in message.content}
            calls = [block for block in message.content if block.type == "tool_use"]
            if not calls:
                break
            called += [block.input for block in calls]
            results = [{"type": "tool_result", "tool_use_id": block.id, "content": "Sunny."} for block in calls]
            messages.append({"role": "user", "content": results})
        texts.append(_text(message))
    return {"called": called, "texts": texts, "kinds": sorted(kinds)}


def parse(model: str) -> dict[str, Any]:
    """An instance of a class, by structured output."""
    message = _client().messages.parse(model=model, max_tokens=2000, messages=HELLO, output_format=Answer)
    parsed = message.parsed_output
    return {"kind": type(parsed).__name__, "value": parsed.model_dump() if parsed else None}


def count(model: str) -> int:
    """The tokens of a prompt."""
    return _client().messages.count_tokens(model=model, messages=HELLO, tools=[WEATHER]).input_tokens


def models() -> dict[str, Any]:
    """The list, page by page, and one of it."""
    client = _client()
    listed = [model.id for model in client.models.list(limit=3)]
    return {"listed": listed, "name": client.models.retrieve(listed[0]).display_name}


def fail(model: str, key: str = KEY, **more: Any) -> str:
    """What goes wrong, as a whole answer, with the SDK's own kind of error."""
    try:
        _client(key).messages.create(**{"model": model, "max_tokens": 100, "messages": HELLO} | more)
    except anthropic.APIStatusError as error:
        body: Any = error.body
        return f"{type(error).__name__} {error.status_code} {body['error']['type']}"
    return "nothing"


def broken(model: str) -> dict[str, Any]:
    """A stream whose provider breaks off."""
    kinds: list[str] = []
    try:
        with _client().messages.stream(model=model, max_tokens=2000, messages=HELLO) as answer:
            kinds.extend(event.type for event in answer)
    except anthropic.APIError as error:
        body: Any = error.body
        return {"kinds": kinds, "error": body["error"]["type"]}
    return {"kinds": kinds, "error": None}


if __name__ == "__main__":
    serve(create, stream, tools, parse, count, models, fail, broken)
