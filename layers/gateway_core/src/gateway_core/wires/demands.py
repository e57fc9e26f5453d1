"""What a request demands that not every model can give: what would change the answer, were it left out in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.codec import Objection
from gateway_core.wires.shapes import items, mapping

type Demands = Mapping[str, str]
"""Each demand with the path of the field that makes it."""

_WHY = {
    "audio": "cannot answer with sound",
    "custom_tools": "has no custom tools; describe the tool as a function",
    "file": "cannot read documents",
    "functions": "does not take the deprecated functions; send tools",
    "image_result": "does not take images in the result of a tool",
    "input_audio": "cannot hear",
    "logit_bias": "cannot bias single tokens",
    "logprobs": "gives no log probabilities",
    "n": "gives one answer to a request",
}
_IN_THE_ANSWER = frozenset({"audio", "custom_tools", "functions", "logprobs", "n"})
DEMANDS = frozenset(_WHY)
"""All demands there are; records of wires and rules of models name those that they cannot meet."""


def demands_of(messages: Sequence[Json], params: Json) -> Demands:
    """The demands of a request."""
    asked = {name: field for name, field, is_made in _OF_OPTIONS if is_made(params)}
    for index, message in enumerate(messages):
        for name, path in _of_message(message):
            asked.setdefault(name, f"messages.{index}.{path}")
    return asked


def needs_forwarding(messages: Sequence[Json], params: Json) -> bool:
    """Whether only the provider's own answer, on OpenAI's chat wire, can hold what is asked for."""
    return bool(_IN_THE_ANSWER & demands_of(messages, params).keys())


def unmet(demands: Demands, cannot: frozenset[str]) -> Objection | None:
    """The objection of who cannot meet one of the demands."""
    name = next((name for name in demands if name in cannot), None)
    return Objection(demands[name], f"{_WHY[name]} ({demands[name]})") if name else None


def _more_than_one(params: Json) -> bool:
    return (params.get("n") or 1) > 1


def _has_custom_tools(params: Json) -> bool:
    return any(mapping(tool).get("type") == "custom" for tool in items(params.get("tools")))


_OF_OPTIONS: tuple[tuple[str, str, Callable[[Json], Any]], ...] = (
    ("n", "n", _more_than_one),
    ("logprobs", "logprobs", lambda params: params.get("logprobs")),
    ("logit_bias", "logit_bias", lambda params: params.get("logit_bias")),
    ("audio", "modalities", lambda params: "audio" in items(params.get("modalities"))),
    ("custom_tools", "tools", _has_custom_tools),
    ("functions", "functions", lambda params: params.get("functions")),
)


def _of_message(message: Json) -> Iterator[tuple[str, str]]:
    if message.get("role") == "function" or message.get("function_call"):
        yield "functions", "function_call" if message.get("function_call") else "role"
    if message.get("audio"):
        yield "audio", "audio"
    if any(mapping(call).get("type") == "custom" for call in items(message.get("tool_calls"))):
        yield "custom_tools", "tool_calls"
    for index, part in enumerate(map(mapping, items(message.get("content")))):
        match part.get("type"):
            case "file" | "input_audio" as kind:
                yield kind, f"content.{index}"
            case "image_url" if message.get("role") == "tool":
                yield "image_result", f"content.{index}"
