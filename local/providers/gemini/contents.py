"""What Gemini refuses of contents and their parts.

Rules as of 2026-11-29, from https://ai.google.dev/api/caching#Content (roles, parts),
https://ai.google.dev/gemini-api/docs/function-calling (calls and responses take turns) and
https://ai.google.dev/gemini-api/docs/image-understanding, .../document-processing, .../audio (media types).
"""

from __future__ import annotations

from typing import Any

from local.providers import media
from local.providers.gemini.proto import get
from local.providers.model import Json, Refused

_KINDS = frozenset(
    [
        "application/json",
        "application/pdf",
        "application/x-javascript",
        "application/x-python",
        "audio/aac",
        "audio/aiff",
        "audio/flac",
        "audio/mp3",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/x-wav",
        "image/heic",
        "image/heif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "video/mp4",
        "video/mpeg",
        "video/quicktime",
        "video/webm",
    ]
)
_DATA = (
    "codeExecutionResult",
    "executableCode",
    "fileData",
    "functionCall",
    "functionResponse",
    "inlineData",
    "text",
    "toolCall",
    "toolResponse",
)
_CALL_TURN = (
    "Please ensure that function call turn comes immediately after a user turn or after a function response turn."
)
_RESPONSE_TURN = "Please ensure that function response turn comes immediately after a function call turn."
_UNEQUAL = (
    "Please ensure that the number of function response parts is equal to the number of function call parts of the "
    "function call turn."
)


def check_contents(contents: Any) -> None:
    """Raises Refused."""
    if not isinstance(contents, list) or not contents:
        raise Refused("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(contents):
        _check_content(index, content)
    check_turns(contents)


def _check_content(index: int, content: Any) -> None:
    if not isinstance(content, dict):
        kind = "type.googleapis.com/google.ai.generativelanguage.v1beta.Content"
        raise Refused(f"Invalid value at 'contents[{index}]' ({kind})")
    if content.get("role", "user") not in ("user", "model", "function"):
        raise Refused("Please use a valid role: user, model.")
    if not isinstance(content.get("parts"), list) or not content["parts"]:
        raise Refused(f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n")
    for number, part in enumerate(content["parts"]):
        check_part(part, f"contents[{index}].parts[{number}]")


def check_part(part: Any, at: str) -> None:
    """Every part says something. Raises Refused."""
    if all(get(part, name) in (None, "") for name in _DATA):
        message = f"* GenerateContentRequest.{at}.data: required oneof field 'data' must have one initialized field\n"
        raise Refused(message)
    blob = get(part, "inlineData")
    if blob is not None:
        _check_blob(blob, at)
    for name in ("functionCall", "functionResponse"):
        function = get(part, name)
        if function is not None and not function.get("name"):
            field = "function_call" if name == "functionCall" else "function_response"
            raise Refused(f"* GenerateContentRequest.{at}.{field}.name: Name cannot be empty.\n")


def _check_blob(blob: Json, at: str) -> None:
    kind = str(get(blob, "mimeType", ""))
    if kind not in _KINDS and not kind.startswith("text/"):
        raise Refused(f"Unsupported MIME type: {kind}")
    if media.decoded(blob.get("data")) is None:
        message = f"Invalid value at '{at}.inline_data.data' (TYPE_BYTES), Base64 decoding failed for "
        raise Refused(f'{message}"{blob.get("data")}"')


def check_turns(contents: list[Json]) -> None:
    """Calls come after the user's words or responses, responses right after their calls. Raises Refused."""
    before: Json | None = None
    for content in contents:
        calls, answers = parts_with(content, "functionCall"), parts_with(content, "functionResponse")
        if calls and (before is None or before.get("role") == "model"):
            raise Refused(_CALL_TURN)
        if answers:
            called = parts_with(before, "functionCall") if before else []
            if not called:
                raise Refused(_RESPONSE_TURN)
            if len(called) != len(answers):
                raise Refused(_UNEQUAL)
        before = content


def parts_with(content: Json, name: str) -> list[Json]:
    """The parts that have this field."""
    return [part for part in content["parts"] if get(part, name) is not None]
