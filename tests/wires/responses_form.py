"""OpenAI's Responses as a caller's form: the cases of the chat form in its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tests.wires.answers import Json, Told
from tests.wires.case import Case
from tests.wires.matrix import Form

PATH = "/v1/responses"
_RENAMED = {"max_tokens": "max_output_tokens"}
_SAME = frozenset(
    {
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "temperature",
        "top_p",
    }
)
_OTHERS = frozenset({"reasoning_effort", "response_format", "tool_choice", "tools", "verbosity"})
_FIELDS = frozenset({"content", "refusal", "role", "tool_call_id", "tool_calls"})


@dataclass(frozen=True, slots=True)
class ResponsesForm(Form):
    """The same route for whole answers and streams."""

    def request(self, body: Json, *, streams: bool, **named: str) -> tuple[str, Json]:
        made = body if "input" in body else _said(body)
        return PATH, {**made, **named, **({"stream": True} if streams else {})}

    def grown(self, body: Json, told: Told, turn: int) -> Json:
        """With the output as it came, and the results of its calls or the user's next turn."""
        results = [
            {"type": "function_call_output", "call_id": call.id, "output": f"result of {call.name}"}
            for call in told.calls
        ]
        more = results or [{"role": "user", "content": f"[[tool]] turn {turn}"}]
        return {**body, "input": [*body["input"], *told.raw["output"], *more]}


RESPONSES = ResponsesForm("responses", PATH, PATH, {}, "model")


def can_say(case: Case) -> bool:
    """Whether this form has words for all of it."""
    options = case.body.keys() - {"messages", "input"}
    messages = case.body.get("messages", ())
    known = all(message.keys() <= _FIELDS and message["role"] != "function" for message in messages)
    marked = "cache_control" in str(case.body)
    return "input" in case.body or (options <= _SAME | _OTHERS | _RENAMED.keys() and known and not marked)


def _said(body: Json) -> Json:
    made = {"input": [item for message in body["messages"] for item in _items(message)]}
    made |= {_RENAMED.get(name, name): value for name, value in body.items() if name in _SAME | _RENAMED.keys()}
    text = {"format": _format(body.get("response_format")), "verbosity": body.get("verbosity")}
    told = {
        "text": {name: value for name, value in text.items() if value},
        "reasoning": {"effort": body["reasoning_effort"]} if body.get("reasoning_effort") else None,
        "tools": [_flat(tool) for tool in body.get("tools") or ()],
        "tool_choice": _choice(body.get("tool_choice")),
    }
    return made | {name: value for name, value in told.items() if value}


def _flat(tool: Json) -> Json:
    kind = tool["type"]
    return {"type": kind, **tool[kind]}


def _choice(choice: Any) -> Any:
    if not isinstance(choice, dict):
        return choice
    allowed = choice.get("allowed_tools")
    if not allowed:
        return _flat(choice)
    return {"type": "allowed_tools", "mode": allowed["mode"], "tools": list(map(_flat, allowed["tools"]))}


def _format(form: Json | None) -> Json | None:
    return {"type": "json_schema", **form["json_schema"]} if form and form["type"] == "json_schema" else form


def _items(message: Json) -> Iterator[Json]:
    role = message["role"]
    if role == "tool":
        call_id = message["tool_call_id"]
        yield {
            "type": "function_call_output",
            "call_id": call_id,
            "output": _content(message["content"], "input") or "",
        }
        return
    said = _content(message.get("content"), "output" if role == "assistant" else "input")
    refused = [{"type": "refusal", "refusal": message["refusal"]}] if message.get("refusal") else []
    if said or refused or not message.get("tool_calls"):
        yield {"type": "message", "role": role, "content": refused or said or ""}
    for call in message.get("tool_calls") or ():
        function = call["function"]
        arguments = function["arguments"] or ""
        yield {"type": "function_call", "call_id": call["id"], "name": function["name"], "arguments": arguments}


def _content(content: Any, way: str) -> Any:
    return [_PARTS[part["type"]](part, way) for part in content] if isinstance(content, list) else content


_PARTS: Mapping[str, Callable[[Json, str], Json]] = {
    "text": lambda part, way: {"type": f"{way}_text", "text": part["text"]},
    "refusal": lambda part, _: part,
    "image_url": lambda part, _: {
        "type": "input_image",
        "image_url": part["image_url"]["url"],
        **{name: value for name, value in part["image_url"].items() if name == "detail"},
    },
    "file": lambda part, _: {"type": "input_file", **part["file"]},
    "input_audio": lambda part, _: part,
}
