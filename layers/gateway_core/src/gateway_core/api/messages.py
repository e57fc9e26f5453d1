"""OpenAI's message format, as far as all providers understand it."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway_core.api.body import Strict

_DATA_URL = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/]+={0,2}")


def _is_data_url(url: str) -> str:
    # The gateway never fetches what a client points it to, and neither may the library below it.
    if not _DATA_URL.fullmatch(url):
        raise ValueError("send the image itself as a data: URL (base64 PNG, JPEG, GIF or WebP)")
    return url


class TextPart(Strict):
    type: Literal["text"]
    text: Annotated[str, Field(min_length=1)]


class ImageUrl(Strict):
    url: Annotated[str, AfterValidator(_is_data_url)]
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Strict):
    type: Literal["image_url"]
    image_url: ImageUrl


type Parts = Annotated[list[Annotated[TextPart | ImagePart, Field(discriminator="type")]], Field(min_length=1)]
type Text = Annotated[str, Field(min_length=1)] | Annotated[list[TextPart], Field(min_length=1)]


Leftover = Annotated[Any, Field(exclude=True)]
"""What SDKs add to an answer, send back with it, and nobody needs."""


class FunctionCall(Strict):
    name: Annotated[str, Field(min_length=1, max_length=64)]
    arguments: str
    parsed_arguments: Leftover = None


class ToolCallPart(Strict):
    id: Annotated[str, Field(min_length=1)]
    type: Literal["function"] = "function"
    function: FunctionCall
    index: Leftover = None


class SystemMessage(Strict):
    role: Literal["system", "developer"]
    content: Text
    name: str | None = None


class UserMessage(Strict):
    role: Literal["user"]
    content: Annotated[str, Field(min_length=1)] | Parts
    name: str | None = None


class AssistantMessage(Strict):
    """An answer, as SDKs give it back: with all fields that it came with, and with empty text beside its tool calls."""

    role: Literal["assistant"]
    content: str | Annotated[list[TextPart], Field(min_length=1)] | None = None
    name: str | None = None
    tool_calls: Annotated[list[ToolCallPart], Field(min_length=1)] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    audio: None = None
    function_call: None = None
    annotations: Leftover = None
    parsed: Leftover = None

    @model_validator(mode="after")
    def _speaks(self) -> Self:
        # Only OpenAI has a field for refusals: to the others it is something that was said.
        self.content, self.refusal = self.content or self.refusal or None, None
        if not (self.content or self.tool_calls):
            raise ValueError("has neither content nor tool_calls")
        return self


class ToolMessage(Strict):
    role: Literal["tool"]
    content: str | Annotated[list[TextPart], Field(min_length=1)]
    tool_call_id: Annotated[str, Field(min_length=1)]


type Message = Annotated[SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")]


class FunctionSpec(Strict):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(Strict):
    type: Literal["function"]
    function: FunctionSpec


class NamedFunction(Strict):
    name: Annotated[str, Field(min_length=1, max_length=64)]


class NamedTool(Strict):
    type: Literal["function"]
    function: NamedFunction


class PlainFormat(Strict):
    type: Literal["text", "json_object"]


class JsonSchema(Strict):
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    description: str | None = None
    strict: bool | None = None


class SchemaFormat(Strict):
    type: Literal["json_schema"]
    json_schema: JsonSchema
