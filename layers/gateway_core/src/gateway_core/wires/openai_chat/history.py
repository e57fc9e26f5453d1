"""The conversation as OpenAI's chat wire and its dialects take it.

A message that needs no change is handed on itself, so that most conversations cost nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.provider import ProviderTraits
from gateway_core.wires.shapes import items, mapping, text_of, without_nulls
from gateway_core.wires.signed_ids import carried, shortened, split

NO_ARGUMENTS = "{}"
_LONGEST_ID = 40
"""Characters of a call's id at OpenAI: a longer one is refused as `string_above_max_length`."""
_FILENAME = "document.pdf"
"""A file that comes with the request has to have a name."""
_WRONG_JPEG, _JPEG = "data:image/jpg;", "data:image/jpeg;"
_JSON_HINT: Json = {"role": "system", "content": "Answer with a JSON object."}
"""What JSON mode needs where no message has the word: OpenAI and DeepSeek refuse it then."""
REASONING_MARK = "d"
"""Under which the id of a tool call carries the reasoning before it."""
_FIELDS = {
    "system": frozenset({"role", "content", "name"}),
    "developer": frozenset({"role", "content", "name"}),
    "user": frozenset({"role", "content", "name"}),
    "assistant": frozenset({"role", "content", "name", "refusal", "tool_calls", "audio", "function_call"}),
    "tool": frozenset({"role", "content", "tool_call_id"}),
    "function": frozenset({"role", "content", "name"}),
}
_CALL_FIELDS = frozenset({"id", "type", "function", "custom"})
_FUNCTION_FIELDS = frozenset({"name", "arguments"})


@dataclass(frozen=True, slots=True)
class History:
    """Messages to send; whether a model that wants its reasoning back has it; what was left out by name."""

    messages: tuple[Json, ...]
    may_think: bool = True
    dropped: frozenset[str] = frozenset()


def history_of(messages: Sequence[Json], traits: ProviderTraits) -> History:
    """The messages without what only other providers' answers can have brought into them, in the provider's dialect."""
    sent = tuple(_message(message, traits) for message in messages)
    may_think = not traits.takes_reasoning or all(_has_its_reasoning(message) for message in sent)
    marked = any(_cached(message) for message in messages)
    return History(sent, may_think, frozenset({"cache_control"}) if marked else frozenset())


def hinted(messages: Sequence[Json], params: Json, traits: ProviderTraits) -> tuple[Json, ...]:
    """The messages, with one that says JSON before them where JSON is asked for and nobody says it.

    Docs: https://developers.openai.com/api/docs/guides/structured-outputs#json-mode,
    https://api-docs.deepseek.com/guides/json_mode.
    """
    wants = traits.json_needs_word and mapping(params.get("response_format")).get("type") == "json_object"
    return (_JSON_HINT, *messages) if wants and not any(map(says_json, messages)) else tuple(messages)


def says_json(message: Json) -> bool:
    """Whether it has the word in it."""
    content = message.get("content")
    texts = [content] if isinstance(content, str) else [mapping(part).get("text") for part in items(content)]
    return any("json" in text.lower() for text in texts if isinstance(text, str))


def _has_its_reasoning(message: Json) -> bool:
    return not message.get("tool_calls") or bool(message.get("reasoning_content"))


def _message(message: Json, traits: ProviderTraits) -> Json:
    role = str(message.get("role"))
    fields = _FIELDS[role]
    said = {name: value for name, value in message.items() if value is not None or name == "content"}
    sent = {name: value for name, value in said.items() if name in fields}
    if role == "developer" and not traits.has_developer_role:
        sent["role"] = "system"
    if role == "assistant":
        sent = _assistant(message, sent, traits)
    if role == "tool":
        sent["tool_call_id"] = _id(message.get("tool_call_id"), traits)
        sent["content"] = sent.get("content") or ""
    sent["content"] = _content(sent.get("content"), traits)
    return message if sent == message else sent


def _assistant(message: Json, sent: dict[str, Any], traits: ProviderTraits) -> dict[str, Any]:
    calls = [_call(mapping(call), traits) for call in items(message.get("tool_calls"))]
    kept = {name: value for name, value in sent.items() if name != "tool_calls"}
    kept.setdefault("content", None)
    if spoken := mapping(kept.get("audio")):
        kept["audio"] = {"id": spoken.get("id")}
    if made := mapping(kept.get("function_call")):
        kept["function_call"] = _function(made)
    if not traits.has_refusals and not kept["content"]:
        kept["content"] = kept.get("refusal") or (None if calls else "")
    if not traits.has_refusals:
        kept.pop("refusal", None)
    reasoning = reasoning_of(message) if traits.takes_reasoning else ""
    return {
        **kept,
        **({"tool_calls": calls} if calls else {}),
        **({"reasoning_content": reasoning} if reasoning else {}),
    }


def _id(value: Any, traits: ProviderTraits) -> str:
    """The id without what it carries, but for who reads that himself, and no longer than OpenAI takes."""
    found = split(str(value))
    return str(value) if traits.takes_signatures and not found.mark else shortened(found.plain, _LONGEST_ID)


def _call(call: Json, traits: ProviderTraits) -> dict[str, Any]:
    sent = {name: value for name, value in call.items() if name in _CALL_FIELDS}
    sent["type"] = call.get("type") or "function"
    sent["id"] = _id(call.get("id"), traits)
    if function := mapping(call.get("function")):
        sent["function"] = _function(function)
    return sent


def _function(made: Json) -> dict[str, Any]:
    """A call's function with arguments that are JSON: histories hold empty ones of tools without parameters."""
    sent = {name: value for name, value in made.items() if name in _FUNCTION_FIELDS}
    sent["arguments"] = made.get("arguments") or NO_ARGUMENTS
    return sent


def reasoning_of(message: Json) -> str:
    """The reasoning before an assistant's turn: its own field, else what the ids of its calls carry."""
    said = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(said, str) and said:
        return said
    found = (carried(str(mapping(call).get("id")), REASONING_MARK) for call in items(message.get("tool_calls")))
    return next((value for value in found if isinstance(value, str) and value), "")


def _content(content: Any, traits: ProviderTraits) -> Any:
    if content == []:
        return ""
    if not isinstance(content, list):
        return content
    if traits.takes_text_only:
        return "".join(text_of(_said(mapping(part))) for part in content)
    parts = list(_parts(content, has_refusals=traits.has_refusals))
    return content if parts == content else parts


def _parts(content: list[Any], *, has_refusals: bool) -> Iterator[Json]:
    for part in map(mapping, content):
        plain = {name: _stated(value) for name, value in part.items() if name != "cache_control"}
        if part.get("type") == "image_url":
            plain["image_url"] = _image(plain["image_url"])
        if part.get("type") == "file" and "file_data" in plain["file"]:
            plain["file"] = {"filename": _FILENAME, **plain["file"]}
        yield {"type": "text", "text": _said(part)} if part.get("type") == "refusal" and not has_refusals else plain


def _image(image: Json) -> Json:
    """Its URL under the name that the format has: `image/jpg` is refused."""
    url = image["url"]
    return {**image, "url": url.replace(_WRONG_JPEG, _JPEG, 1)} if url.startswith(_WRONG_JPEG) else image


def _stated(value: Any) -> Any:
    return without_nulls(value) if isinstance(value, Mapping) else value


def _said(part: Json) -> Any:
    return part.get("text") if part.get("type") == "text" else part.get("refusal")


def _cached(message: Json) -> bool:
    return any(mapping(one).get("cache_control") for one in (message, *items(message.get("content"))))
