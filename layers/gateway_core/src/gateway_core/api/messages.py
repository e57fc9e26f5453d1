"""OpenAI's message format, with what other wires and other gateways add to it: checked for its shape, not changed.

What each field means to a provider, the wires know; here it is only made sure that they find the form they expect.
Null stands for "not given" wherever OpenAI's clients send it.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway_core.api.body import Strict, not_offered

_BASE64 = r"[A-Za-z0-9+/]+={0,2}"
_IMAGE_URL = re.compile(rf"data:image/(png|jpe?g|gif|webp);base64,{_BASE64}")
_FILE_URL = re.compile(rf"data:[a-z]+/[a-z0-9.+-]+;base64,{_BASE64}")
_SOUND = re.compile(_BASE64)

Leftover = Annotated[Any, Field(exclude=True)]
"""What SDKs and other gateways add to an answer, and send back with it."""


def is_image(url: str) -> str:
    # The gateway never fetches what a client points it to, and neither may the library below it.
    if not _IMAGE_URL.fullmatch(url):
        raise ValueError("send the image itself as a data: URL (base64 PNG, JPEG, GIF or WebP)")
    return url


def is_file(url: str) -> str:
    if not _FILE_URL.fullmatch(url):
        raise ValueError("send the file itself as a data: URL, such as data:application/pdf;base64,...")
    return url


def _is_sound(data: str) -> str:
    if not _SOUND.fullmatch(data):
        raise ValueError("send the sound itself in base64")
    return data


def _has_no_id(file_id: str | None) -> None:
    if file_id is not None:
        raise not_offered("files that a provider keeps belong to nobody here: send the file itself as file_data")


class CacheControl(Strict):
    """Anthropic's mark for the end of a part of the prompt that is worth caching."""

    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None


class Part(Strict):
    cache_control: CacheControl | None = None


class TextPart(Part):
    type: Literal["text"]
    text: str


class RefusalPart(Part):
    type: Literal["refusal"]
    refusal: str


class ImageUrl(Strict):
    url: Annotated[str, AfterValidator(is_image)]
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Part):
    type: Literal["image_url"]
    image_url: ImageUrl


class Sound(Strict):
    data: Annotated[str, AfterValidator(_is_sound)]
    format: Literal["wav", "mp3"]


class SoundPart(Part):
    type: Literal["input_audio"]
    input_audio: Sound


class File(Strict):
    filename: Annotated[str, Field(max_length=512)] | None = None
    file_data: Annotated[str, AfterValidator(is_file)] | None = None
    file_id: Annotated[str | None, AfterValidator(_has_no_id)] = None

    @model_validator(mode="after")
    def _is_sent(self) -> Self:
        if self.file_data is None:
            raise ValueError("send the file itself as file_data, a data: URL")
        return self


class FilePart(Part):
    type: Literal["file"]
    file: File


type _Said = Annotated[TextPart | RefusalPart, Field(discriminator="type")]
type _Shown = Annotated[TextPart | ImagePart, Field(discriminator="type")]
type _Sent = Annotated[TextPart | ImagePart | SoundPart | FilePart, Field(discriminator="type")]
type Name = Annotated[str, Field(max_length=128)] | None


class FunctionCall(Strict):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    arguments: str | None = None
    parsed_arguments: Leftover = None


class CustomCall(Strict):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    input: str


class _AnyCall(Strict):
    id: Annotated[str, Field(min_length=1)]
    index: Leftover = None
    extra_content: Leftover = None
    provider_specific_fields: Leftover = None


class FunctionCallPart(_AnyCall):
    type: Literal["function"] | None = "function"
    function: FunctionCall


class CustomCallPart(_AnyCall):
    type: Literal["custom"]
    custom: CustomCall


class SystemMessage(Strict):
    role: Literal["system", "developer"]
    content: str | list[TextPart]
    name: Name = None
    id: Leftover = None
    cache_control: CacheControl | None = None


class UserMessage(Strict):
    role: Literal["user"]
    content: str | list[_Sent]
    name: Name = None
    id: Leftover = None
    cache_control: CacheControl | None = None


class SpokenAnswer(Strict):
    """The sound of an earlier answer, which OpenAI keeps for a while."""

    id: Annotated[str, Field(min_length=1)]
    data: Leftover = None
    expires_at: Leftover = None
    transcript: Leftover = None


class AssistantMessage(Strict):
    """An answer, as SDKs give it back: with all fields that it came with. It may have said nothing."""

    role: Literal["assistant"]
    content: str | list[_Said] | None = None
    name: Name = None
    tool_calls: list[FunctionCallPart | CustomCallPart] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    thinking_blocks: list[dict[str, Any]] | None = None
    audio: SpokenAnswer | None = None
    function_call: FunctionCall | None = None
    id: Leftover = None
    annotations: Leftover = None
    parsed: Leftover = None
    reasoning_details: Leftover = None
    provider_specific_fields: Leftover = None
    cache_control: CacheControl | None = None


class ToolMessage(Strict):
    role: Literal["tool"]
    content: str | list[_Shown] | None
    tool_call_id: Annotated[str, Field(min_length=1)]
    name: Name = None
    id: Leftover = None
    cache_control: CacheControl | None = None


class FunctionMessage(Strict):
    """The result of a call before there were tools."""

    role: Literal["function"]
    name: Annotated[str, Field(min_length=1, max_length=64)]
    content: str | None


type Message = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage | FunctionMessage, Field(discriminator="role")
]
