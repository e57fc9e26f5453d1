"""What a caller was told, whichever way it asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.wires.answers_messages import message_events, whole_message
from tests.wires.words import Call, Json, Told

__all__ = ["Call", "Heard", "Json", "Told", "events", "told"]

_OK = 200


type Heard = Callable[[Told], bool]
"""Whether an answer is what the case asks for."""


def told(answer: httpx.Response) -> Told:
    """Of any of the routes."""
    named = answer.headers.get("x-gateway-dropped", "")
    heard = Told(answer.status_code, answer.headers, dropped=tuple(filter(None, named.split(", "))))
    if answer.status_code != _OK:
        heard.error = answer.json()["error"]
    elif not answer.headers["content-type"].startswith("text/event-stream"):
        body = answer.json()
        (whole_message if body.get("type") == "message" else _whole)(heard, body)
    elif (came := list(events(answer.text))) and came[0][0] == "message_start":
        message_events(heard, came)
    else:
        for name, data in came:
            _event(heard, name, data)
    return heard


def events(text: str) -> Iterator[tuple[str, Any]]:
    """The name and the decoded data of each event."""
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line and not line.startswith(":"))
        if "data" in lines:
            data = lines["data"]
            yield lines.get("event", ""), data if data == "[DONE]" else json.loads(data)


def _whole(heard: Told, body: Json) -> None:
    heard.raw = body
    heard.usage = body["usage"]
    if "choices" not in body:
        _completion(heard, body)
        return
    heard.choices = {choice["index"] for choice in body["choices"]}
    choice = body["choices"][0]
    message = choice["message"]
    heard.logprobs = bool(choice.get("logprobs"))
    heard.finish, heard.role = choice["finish_reason"], message["role"]
    heard.text, heard.refusal = _text(message.get("content")), message.get("refusal") or ""
    heard.reasoning = message.get("reasoning_content") or ""
    heard.calls = [_call(call) for call in message.get("tool_calls") or ()]


def _text(content: Any) -> str:
    """Some servers say it in parts, which are handed on as they came."""
    return "".join(part["text"] for part in content) if isinstance(content, list) else content or ""


def _completion(heard: Told, body: Json) -> None:
    heard.text, heard.finish, heard.attempts = body["content"], body["finish_reason"], body["attempts"]
    heard.calls = [_call(call) for call in body["tool_calls"]]
    heard.dropped, heard.raw, heard.usage = tuple(body["dropped_params"]), body, body["usage"]


def _call(call: Json) -> Call:
    function = call.get("function") or {"name": call["custom"]["name"], "arguments": call["custom"]["input"]}
    return Call(call["id"], function["name"], function["arguments"])


def _event(heard: Told, name: str, data: Any) -> None:
    if data == "[DONE]":
        return
    if "error" in data:
        heard.error = data["error"]
    elif name == "done":
        streamed = heard.text
        _completion(heard, data)
        assert heard.text == streamed, "the pieces of a stream are not what it ends with"
    elif name == "chunk":
        heard.text += data["delta"]
        heard.reasoning += data.get("reasoning") or ""
    else:
        _chunk(heard, data)


def _chunk(heard: Told, data: Json) -> None:
    heard.usage = data.get("usage") or heard.usage
    for choice in data["choices"]:
        heard.choices.add(choice["index"])
        if choice["index"]:
            continue
        delta = choice["delta"]
        heard.role = delta.get("role") or heard.role
        heard.text += _text(delta.get("content"))
        heard.refusal += delta.get("refusal") or ""
        heard.reasoning += delta.get("reasoning_content") or ""
        heard.finish = choice.get("finish_reason") or heard.finish
        heard.logprobs = heard.logprobs or bool(choice.get("logprobs"))
        for piece in delta.get("tool_calls") or ():
            _grow(heard.calls, piece)


def _grow(calls: list[Call], piece: Json) -> None:
    """As OpenAI's SDK puts the pieces of a call together."""
    given = piece.get("function") or {}
    custom = piece.get("custom") or {}
    name, more = given.get("name") or custom.get("name"), given.get("arguments") or custom.get("input") or ""
    if piece["index"] == len(calls):
        calls.append(Call(piece["id"], name, more))
    else:
        known = calls[piece["index"]]
        calls[piece["index"]] = Call(known.id, known.name, known.arguments + more)
