"""OpenAI's options about tools and formats, checked for their shape."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gateway_core.api.body import Strict
from gateway_core.api.messages import CacheControl

type ToolName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class FunctionSpec(Strict):
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class FunctionTool(Strict):
    type: Literal["function"]
    function: FunctionSpec
    cache_control: CacheControl | None = None


class CustomSpec(Strict):
    name: ToolName
    description: str | None = None
    format: dict[str, Any] | None = None


class CustomTool(Strict):
    type: Literal["custom"]
    custom: CustomSpec


type Tool = Annotated[FunctionTool | CustomTool, Field(discriminator="type")]


class Named(Strict):
    name: Annotated[str, Field(min_length=1, max_length=64)]


class NamedFunction(Strict):
    type: Literal["function"]
    function: Named


class NamedCustom(Strict):
    type: Literal["custom"]
    custom: Named


class Allowed(Strict):
    mode: Literal["auto", "required"]
    tools: Annotated[
        list[Annotated[NamedFunction | NamedCustom, Field(discriminator="type")]], Field(min_length=1, max_length=128)
    ]


class AllowedTools(Strict):
    type: Literal["allowed_tools"]
    allowed_tools: Allowed


type ToolChoice = (
    Literal["none", "auto", "required"]
    | Annotated[NamedFunction | NamedCustom | AllowedTools, Field(discriminator="type")]
)


class PlainFormat(Strict):
    type: Literal["text", "json_object"]


class JsonSchema(Strict):
    name: ToolName
    schema_: Annotated[dict[str, Any] | None, Field(alias="schema")] = None
    description: str | None = None
    strict: bool | None = None


class SchemaFormat(Strict):
    type: Literal["json_schema"]
    json_schema: JsonSchema


type ResponseFormat = Annotated[PlainFormat | SchemaFormat, Field(discriminator="type")]


class Thinking(Strict):
    """Anthropic's option, which clients send on OpenAI's wire as well."""

    type: Literal["enabled", "disabled", "adaptive"]
    budget_tokens: Annotated[int, Field(ge=1)] | None = None


class Prediction(Strict):
    type: Literal["content"]
    content: str | list[dict[str, Any]]


class SpokenFormat(Strict):
    """How an answer is to sound."""

    voice: str | dict[str, Any]
    format: Literal["wav", "aac", "mp3", "flac", "opus", "pcm16"]


class LegacyFunction(Strict):
    name: ToolName
    description: str | None = None
    parameters: dict[str, Any] | None = None
