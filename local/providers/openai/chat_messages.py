"""What OpenAI's Chat Completions refuses of messages and their parts.

Rules as of 2026-11-29, from https://developers.openai.com/api/reference/resources/chat (roles, fields, parts by role;
`name` is taken on a tool's message as on any other), https://developers.openai.com/api/docs/guides/function-calling
(every call is answered), .../guides/images-vision, .../guides/file-inputs and .../guides/audio (files).
"""

from __future__ import annotations

from typing import Any

from local.providers import media
from local.providers.model import Json, Refused
from local.providers.openai.models_rules import SPEAKING
from local.providers.openai.wrong import check_one_of, invalid_type, missing, too_long, unknown_parameter, unknown_value

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_FIELDS = ("role", "content", "name")
_OWN_FIELDS = {
    "assistant": ("refusal", "audio", "tool_calls", "function_call", "annotations"),
    "tool": ("tool_call_id",),
}
_PARTS: dict[str, tuple[str, ...]] = {
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
}
_TEXT_ONLY = ("text",)
_IMAGES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_SOUNDS = ("wav", "mp3")
_MAX_CALL_ID = 40
_BAD_IMAGE = (
    "You uploaded an unsupported image. Please make sure your image is valid and has of one of the following formats: "
    "['png', 'jpeg', 'gif', 'webp']."
)
_UNCALLED = "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
_UNANSWERED = (
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'."
)


def check_messages(messages: Any, model: str) -> None:
    """The whole conversation. Raises Refused."""
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list):
        raise invalid_type("messages", "an array of objects")
    if not messages:
        message = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise Refused(message, param="messages", code="empty_array")
    for index, message in enumerate(messages):
        _check_message(message, f"messages[{index}]", model)
    _check_calls_are_answered(messages)


def _check_message(message: Any, at: str, model: str) -> None:
    if not isinstance(message, dict):
        raise invalid_type(at, "an object")
    if "role" not in message:
        raise missing(f"{at}.role")
    role = message["role"]
    if role not in _ROLES:
        raise unknown_value(f"{at}.role", role, _ROLES)
    check_known_fields(message, at)
    content = message.get("content")
    if content is None and role not in ("assistant", "function"):
        text = f"Invalid value for 'content': expected a string, got null. ({at}.content)"
        raise Refused(text, param=f"{at}.content")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        _check_part(part, f"{at}.content[{index}]", _PARTS.get(role, _TEXT_ONLY), model)
    if message.get("tool_calls") is not None:
        _check_calls(message["tool_calls"], f"{at}.tool_calls")


def check_known_fields(message: Json, at: str) -> None:
    """Raises Refused for a field that messages of this role do not have."""
    known = (*_FIELDS, *_OWN_FIELDS.get(message["role"], ()))
    for name in message:
        if name not in known:
            raise unknown_parameter(f"{at}.{name}")


def _check_part(part: Any, at: str, known: tuple[str, ...], model: str) -> None:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind not in known:
        raise unknown_value(f"{at}.type", kind, known)
    if kind not in part:
        raise missing(f"{at}.{kind}")
    checks = {"image_url": _check_image, "file": _check_file}
    if kind in checks:
        checks[kind](part[kind], f"{at}.{kind}")
    elif kind == "input_audio":
        check_sound(part[kind], f"{at}.{kind}", model)
    elif not isinstance(part[kind], str):
        raise invalid_type(f"{at}.{kind}", "a string")


def _check_image(image: Any, at: str) -> None:
    if not isinstance(image, dict):
        raise invalid_type(at, "an object")
    if "url" not in image:
        raise missing(f"{at}.url")
    check_one_of(f"{at}.detail", image.get("detail"), ("low", "high", "auto"))
    check_image_url(image["url"], f"{at}.url")


def check_image_url(url: Any, at: str) -> None:
    """An address, or an image in base64 whose bytes are no other kind's. Raises Refused."""
    if str(url).startswith(("https://", "http://")):
        return
    found = media.data_url(url)
    if found is None:
        message = f"Invalid '{at}'. Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;"
        raise Refused(f"{message}base64,aW1nIGJ5dGVzIGhlcmU='), or a valid URL.", param=at, code="invalid_value")
    if found[0] not in _IMAGES or media.kind_of(found[1]) not in (None, *_IMAGES):
        raise Refused(_BAD_IMAGE, param=at, code="invalid_image_format")


def _check_file(given: Any, at: str) -> None:
    if given.get("file_id") is not None:
        return
    check_file_data(given, at)


def check_file_data(given: Json, at: str) -> None:
    """A file in base64, with its name; a PDF has to be one. Raises Refused."""
    for name in ("file_data", "filename"):
        if not given.get(name):
            raise missing(f"{at}.{name}")
    found = media.data_url(given["file_data"])
    if found is None:
        message = f"Invalid '{at}.file_data'. Expected a base64-encoded data URL with an application/pdf MIME type"
        example = "(e.g. 'data:application/pdf;base64,...'), but got a value without the 'data:' prefix."
        raise Refused(f"{message} {example}", param=f"{at}.file_data", code="invalid_value")
    if found[0] == "application/pdf" and media.kind_of(found[1]) != "application/pdf":
        raise Refused("The file could not be parsed: it is no valid PDF.", param=f"{at}.file_data", code="invalid_file")


def check_sound(given: Any, at: str, model: str) -> None:
    """Sound is for models that hear. Raises Refused."""
    if not SPEAKING.match(model):
        message = f"Invalid value for '{at}': input_audio is not supported with this model."
        raise Refused(message, param=at, code="unsupported_value")
    for name in ("data", "format"):
        if name not in given:
            raise missing(f"{at}.{name}")
    if given["format"] not in _SOUNDS:
        raise unknown_value(f"{at}.format", given["format"], _SOUNDS)
    if media.decoded(given["data"]) is None:
        raise Refused(f"Invalid '{at}.data': expected base64.", param=f"{at}.data", code="invalid_value")


def _check_calls(calls: Any, at: str) -> None:
    if calls == []:
        message = (
            f"Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        raise Refused(message, param=at, code="empty_array")
    for index, call in enumerate(calls):
        kind = call.get("type")
        if kind not in ("function", "custom"):
            raise unknown_value(f"{at}[{index}].type", kind, ("function", "custom"))
        for name in ("id", kind):
            if name not in call:
                raise missing(f"{at}[{index}].{name}")
        if len(str(call["id"])) > _MAX_CALL_ID:
            raise too_long(f"{at}[{index}].id", "string", _MAX_CALL_ID, len(call["id"]))
        text = "arguments" if kind == "function" else "input"
        if not isinstance(call[kind].get(text), str):
            raise invalid_type(f"{at}[{index}].{kind}.{text}", "a string")


def _check_calls_are_answered(messages: list[Json]) -> None:
    """Raises Refused for an answer without its call, and for a call that the next messages do not answer."""
    asked: list[str] = []
    open_calls: list[str] = []
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            _check_answer(message, f"messages[{index}]", asked)
            open_calls = [call for call in open_calls if call != message["tool_call_id"]]
            continue
        _check_none_open(open_calls, index)
        asked = [call["id"] for call in message.get("tool_calls") or ()]
        open_calls = asked
    _check_none_open(open_calls, len(messages))


def _check_answer(message: Json, at: str, asked: list[str]) -> None:
    if "tool_call_id" not in message:
        raise missing(f"{at}.tool_call_id")
    if message["tool_call_id"] not in asked:
        raise Refused(f"Invalid parameter: {_UNCALLED}", param=f"{at}.role")


def _check_none_open(open_calls: list[str], index: int) -> None:
    if open_calls:
        which = f"The following tool_call_ids did not have response messages: {', '.join(open_calls)}"
        raise Refused(f"{_UNANSWERED} {which}", param=f"messages[{index}].role")
