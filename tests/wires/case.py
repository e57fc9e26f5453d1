"""What a case of the matrix is: a request in OpenAI's words, and what shows that nothing of it was lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.wires.answers import Heard, Json, Told
from tests.wires.reading import Probe, Sent

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
JPEG = (
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////////"
    "////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
)
PDF = "JVBERi0xLjEKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZy9QYWdlcyAyIDAgUj4+ZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4KJSVFT0YK"
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA="


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the matrix.

    body: The request, beside its model. sent: Whether the request to the provider says all of it. heard: Whether the
    answer is what the case asks for. fields: What may be named as left out or changed instead. columns: The wires that
    have it, if not all do. turns: After how many turns of a tool loop the last request is looked at, 0 for none.
    """

    id: str
    title: str
    body: Json
    sent: Probe
    heard: Heard
    fields: frozenset[str] = frozenset()
    columns: frozenset[str] = frozenset()
    turns: int = 0


def says_something(told: Told) -> bool:
    return bool(told.text or told.refusal or told.calls) and told.finish in ("stop", "tool_calls")


def row(
    id_: str,
    title: str,
    content: Any,
    sent: Probe,
    *,
    heard: Heard = says_something,
    fields: str = "",
    columns: str = "",
    turns: int = 0,
    **options: Any,
) -> Case:
    """A case: `content` are the messages, or what the user says; `fields` and `columns` are parted by spaces."""
    messages = content if isinstance(content, list) else [user(content)]
    body = {"messages": messages, **options}
    return Case(id_, title, body, sent, heard, frozenset(fields.split()), frozenset(columns.split()), turns)


def user(content: Any, **more: Any) -> Json:
    return {"role": "user", "content": content, **more}


def system(content: Any) -> Json:
    return {"role": "system", "content": content}


def assistant(content: Any = None, **more: Any) -> Json:
    return {"role": "assistant", "content": content, **more}


def result(call_id: str, content: Any, **more: Any) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": content, **more}


def call(name: str, arguments: str | None, call_id: str = "call_1") -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls: Json, **more: Any) -> Json:
    return assistant(None, tool_calls=list(calls), **more)


def text(said: str, **more: Any) -> Json:
    return {"type": "text", "text": said, **more}


def image(kind: str = "png", **more: Any) -> Json:
    data = PNG if kind == "png" else JPEG
    return {"type": "image_url", "image_url": {"url": f"data:image/{kind};base64,{data}", **more}}


def tool(name: str, parameters: Any = None, **more: Any) -> Json:
    given = {} if parameters is None else {"parameters": parameters}
    return {"type": "function", "function": {"name": name, "description": f"The tool {name}.", **given, **more}}


def object_of(required: tuple[str, ...] = (), **properties: Any) -> Json:
    return {"type": "object", "properties": properties, "required": list(required or properties)}


def answer_by(schema: Json, *, strict: bool = True) -> Json:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict}}


CITY = object_of(city={"type": "string", "description": "Where."})
TREE = {
    "type": "object",
    "properties": {"root": {"$ref": "#/$defs/node", "description": "The top."}},
    "required": ["root"],
    "additionalProperties": False,
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "sons": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            "required": ["name", "sons"],
            "additionalProperties": False,
        }
    },
}
CLOSED = {**object_of(city={"type": "string"}, degrees={"type": "number"}), "additionalProperties": False}
WEATHER = tool("weather", CITY)
PING = tool("ping", {"type": "object", "properties": {}})

_NAMES = {
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
    "top_k": "topK",
    "top_p": "topP",
}


def option(name: str, value: Any) -> Probe:
    """Whether the option is sent with this value."""
    return lambda sent: sent.options.get(_NAMES.get(name, name) if sent.wire == "gemini" else name) == value


def every(*probes: Probe) -> Probe:
    return lambda sent: all(probe(sent) for probe in probes)


def in_order(*texts: str) -> Probe:
    return lambda sent: sent.says(*texts)


def has(kind: str, *values: Any) -> Probe:
    """Whether just these pieces of a kind are in the conversation."""
    return lambda sent: sent.values(kind) == list(values)


def offers(*names: str) -> Probe:
    return lambda sent: list(sent.tools) == list(names)


def same(schema: Any) -> Any:
    """A schema in one spelling: what says nothing is left out, types are in small letters."""
    if isinstance(schema, list):
        return [same(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {name: same(one) for name, one in schema.items() if (name, one) not in _SAYS_NOTHING}
    if isinstance(kind := plain.get("type"), str):
        plain["type"] = kind.lower()
    return plain


_SAYS_NOTHING: tuple[tuple[str, Any], ...] = (("required", []), ("properties", {}), ("additionalProperties", False))


def takes(name: str, schema: Any) -> Probe:
    """Whether the tool is offered with this schema."""
    return lambda sent: same(sent.tools.get(name)) == same(schema)


def is_held_to(schema: Json) -> Probe:
    return lambda sent: same(sent.schema) == same(schema)


def called(*calls: tuple[str, str]) -> Heard:
    """Whether the answer calls just these tools; the arguments are JSON, and begin with a text."""
    return lambda told: (
        told.finish == "tool_calls"
        and [one.name for one in told.calls] == [name for name, _ in calls]
        and all(one.arguments.startswith(begin) for one, (_, begin) in zip(told.calls, calls, strict=True))
    )


def answered(finish: str = "stop", part: str = "heard") -> Heard:
    return lambda told: told.finish == finish and part in told.text


def always(_sent: Sent) -> bool:
    """Where all that counts is the answer."""
    return True


_BUDGETS = {1024: "low", 2048: "medium", 4096: "high"}


def effort_of(sent: Sent) -> str | None:
    """How hard a request asks to think, in OpenAI's words; None where it says nothing."""
    options = sent.options
    match sent.wire:
        case "anthropic" | "bedrock":
            thinking = options.get("thinking") or {}
            adaptive = (options.get("output_config") or {}).get("effort")
            return adaptive or _BUDGETS.get(thinking.get("budget_tokens", 0)) or "none"
        case "gemini":
            return (options.get("thinkingConfig") or {}).get("thinkingLevel")
        case "deepseek" if (options.get("thinking") or {}).get("type") == "disabled":
            return "none"
        case "responses":
            return (options.get("reasoning") or {}).get("effort")
        case _:
            return options.get("reasoning_effort")
