"""What a request to a provider says, read by its wire's documentation and by nothing of the gateway's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.wires.reading_bedrock import converse
from tests.wires.said import Json, Said, Sent


def read(call: Json) -> Sent:
    """A call as the simulator has noted it."""
    path, body = call["path"], call["body"]
    if path.startswith("/anthropic"):
        return _anthropic(body)
    if path.startswith("/bedrock"):
        return converse(body)
    if path.startswith("/gemini"):
        return _gemini(body)
    return _responses(body) if path.endswith("/responses") else _chat(body, path.split("/")[1])


def _anthropic(body: Json) -> Sent:
    choice = body.get("tool_choice") or {}
    kinds = {"any": "required", "auto": "auto", "none": "none"}
    schema = ((body.get("output_config") or {}).get("format") or body.get("output_format") or {}).get("schema")
    tools = {tool["name"]: tool.get("input_schema") for tool in body.get("tools", ())}
    forced = choice.get("name")
    return Sent(
        "anthropic",
        body,
        (
            *(Said("system", "text", block["text"]) for block in _blocks(body.get("system"))),
            *(piece for turn in body["messages"] for piece in _anthropic_turn(turn)),
        ),
        tools,
        forced or kinds.get(choice.get("type", "")),
        tuple(body.get("stop_sequences", ())),
        schema or (tools.get(forced) if forced and "json" in forced else None),
        bool(schema) or bool(forced and "json" in forced),
        body,
    )


def _blocks(content: Any) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def _anthropic_turn(turn: Json) -> Iterator[Said]:
    role = "model" if turn["role"] == "assistant" else turn["role"]
    for block in _blocks(turn["content"]):
        match block["type"]:
            case "text":
                yield Said("system" if block["text"].startswith("<system>") else role, "text", block["text"])
            case "image":
                yield Said(role, "image", block["source"]["media_type"])
            case "document":
                yield _document(role, block)
            case "search_result":
                yield Said(role, "text", "".join(inner["text"] for inner in block["content"]))
            case "tool_use":
                yield Said(role, "call", (block["name"], block["input"]))
            case "tool_result":
                for inner in _blocks(block.get("content")):
                    text = inner["text"] if inner["type"] == "text" else inner["source"]["media_type"]
                    yield Said("tool", "result" if inner["type"] == "text" else "image", text)
            case "thinking" | "redacted_thinking":
                yield Said(role, "thought", block.get("signature") or block.get("data"))


def _document(role: str, block: Json) -> Said:
    source = block["source"]
    return Said(role, "text", source["data"]) if source["type"] == "text" else Said(role, "file", block.get("title"))


def _gemini(body: Json) -> Sent:
    body = _camel(body)
    config = body.get("generationConfig") or {}
    declared = [one for tool in body.get("tools", ()) for one in tool.get("functionDeclarations", ())]
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed = calling.get("allowedFunctionNames") or []
    kinds = {"ANY": allowed[0] if len(allowed) == 1 else "required", "AUTO": "auto", "NONE": "none"}
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    return Sent(
        "gemini",
        body,
        (
            *(Said("system", "text", part["text"]) for part in (body.get("systemInstruction") or {}).get("parts", ())),
            *(piece for content in body["contents"] for piece in _gemini_content(content)),
        ),
        {one["name"]: one.get("parametersJsonSchema", one.get("parameters")) for one in declared},
        kinds.get(calling.get("mode", "")),
        tuple(config.get("stopSequences", ())),
        schema,
        config.get("responseMimeType") == "application/json",
        config,
    )


_OPAQUE = ("args", "response", "parameters", "parametersJsonSchema", "responseJsonSchema", "responseSchema")


def _camel(value: Any) -> Any:
    """Gemini takes both spellings of its fields; what callers wrote stays as it is."""
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if not isinstance(value, dict):
        return value
    named = {name[0] + name.title().replace("_", "")[1:] if "_" in name else name: one for name, one in value.items()}
    return {name: one if name in _OPAQUE else _camel(one) for name, one in named.items()}


def _gemini_content(content: Json) -> Iterator[Said]:
    role = "model" if content.get("role") == "model" else "user"
    for part in content["parts"]:
        if part.get("thoughtSignature"):
            yield Said(role, "thought", part["thoughtSignature"])
        if "functionCall" in part:
            yield Said(role, "call", (part["functionCall"]["name"], part["functionCall"].get("args", {})))
        elif "functionResponse" in part:
            told = part["functionResponse"]
            yield Said("tool", "result", _only(told["response"]))
            for inner in told.get("parts", ()):
                yield Said("tool", "image", inner["inlineData"]["mimeType"])
        elif "inlineData" in part:
            yield _gemini_media(role, part["inlineData"])
        elif "text" in part and not part.get("thought"):
            yield Said("system" if part["text"].startswith("<system>") else role, "text", part["text"])


def _gemini_media(role: str, data: Json) -> Said:
    kind = data["mimeType"].partition("/")[0]
    if kind == "application":
        return Said(role, "file", data.get("displayName"))
    return Said(role, kind, data["mimeType"])


def _only(response: Json) -> str:
    """The text of a function's result, which has to be an object."""
    values = list(response.values())
    return values[0] if len(values) == 1 and isinstance(values[0], str) else json.dumps(response)


def _chat(body: Json, provider: str) -> Sent:
    wanted = body.get("response_format") or {}
    functions = [tool.get("function") or tool.get("custom") for tool in body.get("tools") or ()]
    choice = body.get("tool_choice")
    named = (choice.get("function") or choice.get("custom") or {}).get("name") if isinstance(choice, dict) else choice
    return Sent(
        "chat" if provider == "openai" else provider,
        body,
        tuple(piece for message in body["messages"] for piece in _message(message)),
        {one["name"]: one.get("parameters") for one in functions},
        named,
        _stops(body.get("stop")),
        (wanted.get("json_schema") or {}).get("schema"),
        wanted.get("type") in ("json_object", "json_schema"),
        body,
    )


def _stops(stop: Any) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def _message(message: Json) -> Iterator[Said]:
    roles = {"developer": "system", "assistant": "model", "function": "tool"}
    role = roles.get(message["role"], message["role"])
    if message.get("reasoning_content"):
        yield Said(role, "thought", message["reasoning_content"])
    for part in _blocks(message.get("content")):
        yield _part(role, part)
    if message.get("refusal"):
        yield Said(role, "refusal", message["refusal"])
    for call in message.get("tool_calls") or ():
        custom, function = call.get("custom"), call.get("function")
        yield Said(role, "call", (custom["name"], custom["input"]) if custom else _called(function))


def _part(role: str, part: Json) -> Said:
    kind = part["type"]
    if kind in ("text", "input_text", "output_text"):
        return Said(role, "result" if role == "tool" else "text", part["text"])
    return Said(role, *_PARTS[kind](part))


_PARTS: Mapping[str, Callable[[Json], tuple[str, Any]]] = {
    "image_url": lambda part: ("image", _media_type(part["image_url"]["url"])),
    "input_image": lambda part: ("image", _media_type(part["image_url"])),
    "file": lambda part: ("file", part["file"].get("filename")),
    "input_file": lambda part: ("file", part.get("filename")),
    "input_audio": lambda part: ("audio", f"audio/{part['input_audio']['format']}"),
    "refusal": lambda part: ("refusal", part["refusal"]),
}


def _media_type(url: str) -> str:
    return url.removeprefix("data:").partition(";")[0]


def _called(function: Json) -> tuple[str, Any]:
    return function["name"], _arguments(function.get("arguments"))


def _arguments(text: str | None) -> Any:
    try:
        return json.loads(text or "{}")
    except ValueError:
        return text


def _responses(body: Json) -> Sent:
    wanted = (body.get("text") or {}).get("format") or {}
    choice = body.get("tool_choice")
    instructions = (Said("system", "text", body["instructions"]),) if body.get("instructions") else ()
    return Sent(
        "responses",
        body,
        (*instructions, *(piece for item in body["input"] for piece in _item(item))),
        {tool.get("name") or tool["type"]: tool.get("parameters") for tool in body.get("tools", ())},
        choice.get("name") or choice.get("mode") if isinstance(choice, dict) else choice,
        (),
        wanted.get("schema"),
        wanted.get("type") in ("json_object", "json_schema"),
        body,
    )


def _item(item: Json) -> Iterator[Said]:
    roles = {"developer": "system", "assistant": "model"}
    match item.get("type", "message"):
        case "message":
            role = roles.get(item["role"], item["role"])
            yield from (_part(role, part) for part in _blocks(item["content"]))
        case "function_call":
            yield Said("model", "call", (item["name"], _arguments(item["arguments"])))
        case "custom_tool_call":
            yield Said("model", "call", (item["name"], item["input"]))
        case "function_call_output" | "custom_tool_call_output":
            yield from (_part("tool", part) for part in _blocks(item["output"]))
        case "reasoning":
            yield Said("model", "thought", item.get("encrypted_content"))


type Probe = Callable[[Sent], bool]
"""Whether a request says what the case asks for."""
