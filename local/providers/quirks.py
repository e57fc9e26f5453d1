"""Oddities of real servers that speak a wire: what they leave out, and what they word in another way.

`no_usage`: no report of tokens at all. `parts`: content as a list of text parts, as Mistral's answers have it.
`done_only`: the arguments of a call arrive in the event that ends them alone (OpenAI Responses). `no_args`: a call
without arguments; the model itself leaves them out, see `generation`. `redacted`: thinking that only its provider can
read (Anthropic).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator

from local.providers.model import Frame, Json
from local.providers.wire import dumps

_USAGE = ("usage", "usageMetadata")
_PIECEWISE = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")


def reworded(body: Json, quirks: Collection[str]) -> Json:
    """A whole answer, or one event's data, as a server with these quirks words it. The body itself is not changed."""
    if "no_usage" in quirks:
        body = _unmetered(body)
    if "parts" in quirks and "choices" in body:
        body = body | {"choices": [_in_parts(choice) for choice in body["choices"]]}
    return body


def reworded_frames(frames: Iterable[Frame], quirks: Collection[str]) -> Iterator[Frame]:
    """The frames of a stream, likewise; tokens of events that are left out count with the next one."""
    held = 0
    for frame in frames:
        kept = _reworded(frame, quirks) if quirks else frame
        if kept is None:
            held += frame.tokens
            continue
        yield Frame(kept.data, kept.tokens + held)
        held = 0


def _reworded(frame: Frame, quirks: Collection[str]) -> Frame | None:
    """None for an event that such a server does not send."""
    if frame.data.startswith(b"\0"):  # of a binary stream, whose frames begin with their length
        return frame
    head, mark, data = frame.data.decode().partition("data: ")
    if not data.startswith("{"):
        return frame
    body = json.loads(data)
    if "no_usage" in quirks and "usage" in body and body.get("choices") == []:
        return None
    if "done_only" in quirks and body.get("type") in _PIECEWISE:
        return None
    ending = data[len(data.rstrip()) :]
    return Frame((head + mark).encode() + dumps(reworded(body, quirks)) + ending.encode(), frame.tokens)


def _unmetered(body: Json) -> Json:
    inner = {name: _unmetered(body[name]) for name in ("message", "response") if isinstance(body.get(name), dict)}
    return {name: value for name, value in (body | inner).items() if name not in _USAGE}


def _in_parts(choice: Json) -> Json:
    for name in ("message", "delta"):
        content = (choice.get(name) or {}).get("content")
        if isinstance(content, str) and content:
            return choice | {name: choice[name] | {"content": [{"type": "text", "text": content}]}}
    return choice
