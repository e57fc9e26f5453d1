"""What OpenAI's Responses API refuses of input items.

Rules as of 2026-11-29, from https://developers.openai.com/api/reference/resources/responses (items and parts by role),
https://developers.openai.com/api/docs/guides/function-calling (every call is answered, by text or parts) and
.../guides/file-inputs. The words about ids are those of the API, as quoted in
https://github.com/earendil-works/pi/issues/10257.
"""

from __future__ import annotations

from typing import Any

from local.providers.model import Json, Refused
from local.providers.openai.chat_messages import check_file_data, check_image_url
from local.providers.openai.reasoning_items import check_reasoning
from local.providers.openai.wrong import check_one_of, invalid_type, missing, too_long, unknown_parameter, unknown_value

_ROLES = ("assistant", "system", "developer", "user")
_INPUT_PARTS = ("input_text", "input_image", "input_file")
_OUTPUT_PARTS = ("output_text", "refusal")
_REQUIRED = {
    "custom_tool_call": ("call_id", "name", "input"),
    "custom_tool_call_output": ("call_id", "output"),
    "function_call": ("call_id", "name", "arguments"),
    "function_call_output": ("call_id", "output"),
    "reasoning": ("summary",),
}
_KINDS = (
    "code_interpreter_call",
    "compaction",
    "computer_call",
    "computer_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "file_search_call",
    "function_call",
    "function_call_output",
    "image_generation_call",
    "item_reference",
    "local_shell_call",
    "local_shell_call_output",
    "mcp_approval_request",
    "mcp_approval_response",
    "mcp_call",
    "mcp_list_tools",
    "message",
    "reasoning",
    "web_search_call",
)
_MAX_CALL_ID = 64
_MAX_ID = 64
CALLS = ("function_call", "custom_tool_call")
_PREFIXES = {
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctc",
    "function_call": "fc",
    "function_call_output": "fc",
    "message": "msg",
    "reasoning": "rs",
    "web_search_call": "ws",
}
"""How the ids of items begin, the client's own as well."""
_FIELDS = {
    "custom_tool_call": ("call_id", "name", "input", "namespace", "caller"),
    "custom_tool_call_output": ("call_id", "output", "caller"),
    "function_call": ("call_id", "name", "arguments", "namespace", "caller"),
    "function_call_output": ("call_id", "output", "caller"),
    "message": ("role", "content", "phase"),
    "reasoning": ("summary", "content", "encrypted_content"),
}
"""Beside `type`, `id` and `status`."""


def check_input(given: Any, *, stored: bool) -> None:
    """Text, or items; `stored` is false where nothing is kept. Raises Refused."""
    if given is None:
        raise missing("input")
    if not isinstance(given, str | list):
        message = (
            "Invalid type for 'input': expected one of a string or array of input items, but got an object instead."
        )
        raise Refused(message, param="input", code="invalid_type")
    items = given if isinstance(given, list) else []
    for index, item in enumerate(items):
        _check_item(item, f"input[{index}]")
    for index, item in enumerate(items):
        if item.get("type") == "reasoning":
            check_reasoning(item, items[index + 1] if index + 1 < len(items) else None, stored=stored)
    _check_calls_are_answered(items)


def _check_item(item: Any, at: str) -> None:
    if not isinstance(item, dict) or not ("role" in item or "type" in item):
        raise Refused(f"Invalid value for '{at}': expected an input item.", param=at, code="invalid_value")
    kind = item.get("type", "message")
    if kind not in _KINDS:
        raise unknown_value(at, kind, _KINDS)
    for name in _REQUIRED.get(kind, ()):
        if item.get(name) is None:
            raise missing(f"{at}.{name}")
    _check_names(item, kind, at)
    if len(str(item.get("call_id") or "")) > _MAX_CALL_ID:
        raise too_long(f"{at}.call_id", "string", _MAX_CALL_ID, len(item["call_id"]))
    if kind == "message":
        _check_message(item, at)
    elif kind == "function_call" and not isinstance(item["arguments"], str):
        raise invalid_type(f"{at}.arguments", "a string")
    elif kind in ("function_call_output", "custom_tool_call_output"):
        _check_content(item["output"], f"{at}.output", _INPUT_PARTS)


def _check_names(item: Json, kind: str, at: str) -> None:
    """Its fields, and its own id. Nothing is stored that an item could stand for."""
    unknown = sorted(set(item) - {"type", "id", "status", *_FIELDS[kind]}) if kind in _FIELDS else ()
    if unknown:
        raise unknown_parameter(f"{at}.{unknown[0]}")
    name = item.get("id")
    if kind == "item_reference":
        raise Refused(f"Item with id '{name}' not found.", param="input")
    if name is None or kind not in _PREFIXES:
        return
    if len(name) > _MAX_ID:
        raise too_long(f"{at}.id", "string", _MAX_ID, len(name))
    if not name.startswith(_PREFIXES[kind]):
        message = f"Invalid '{at}.id': '{name}'. Expected an ID that begins with '{_PREFIXES[kind]}'."
        raise Refused(message, param=f"{at}.id", code="invalid_value")


def _check_message(item: Json, at: str) -> None:
    if item.get("role") not in _ROLES:
        raise unknown_value(f"{at}.role", item.get("role"), _ROLES)
    if item.get("content") is None:
        raise missing(f"{at}.content")
    _check_content(item["content"], f"{at}.content", _OUTPUT_PARTS if item["role"] == "assistant" else _INPUT_PARTS)


def _check_content(content: Any, at: str, known: tuple[str, ...]) -> None:
    if not isinstance(content, str | list):
        raise invalid_type(at, "one of an array of objects or string")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in known:
            raise unknown_value(f"{at}[{index}]", kind, known)
        _check_part(part, f"{at}[{index}]")


def _check_part(part: Json, at: str) -> None:
    kind = part["type"]
    if kind == "input_image":
        check_one_of(f"{at}.detail", part.get("detail"), ("low", "high", "auto", "original"))
        if part.get("file_id") is None:
            if part.get("image_url") is None:
                raise missing(f"{at}.image_url")
            check_image_url(part["image_url"], f"{at}.image_url")
    elif kind == "input_file":
        if part.get("file_id") is None and part.get("file_url") is None:
            check_file_data(part, at)
    else:
        name = "refusal" if kind == "refusal" else "text"
        if not isinstance(part.get(name), str):
            raise missing(f"{at}.{name}")


def _check_calls_are_answered(items: list[Json]) -> None:
    called = [item["call_id"] for item in items if item.get("type") in CALLS]
    answered = [item["call_id"] for item in items if str(item.get("type")).endswith("_call_output")]
    for call_id in answered:
        if call_id not in called:
            raise Refused(f"No tool call found for function call output with call_id {call_id}.", param="input")
    for call_id in called:
        if call_id not in answered:
            raise Refused(f"No tool output found for function call {call_id}.", param="input")
