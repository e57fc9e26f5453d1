"""The blocks of Anthropic's messages, checked for their shape.

Sources: https://platform.claude.com/docs/en/api/messages/create and the pages of each kind of block.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag

from gateway_core.api.body import Strict, not_offered

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_URL = "the gateway never fetches what a client points it to: send the data itself, in base64"
_FILE = "files that a provider keeps belong to nobody here: send the data itself, in base64"


def _is_base64(data: str) -> str:
    if not _BASE64.fullmatch(data):
        raise ValueError("send the data itself in base64")
    return data


def _no_url(_url: Any) -> None:
    raise not_offered(_URL)


def _no_file(_file_id: Any) -> None:
    raise not_offered(_FILE)


def _is_objects(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type") != "object":
        raise ValueError('has to be the schema of an object, with the type "object"')
    return schema


type AskedEffort = Literal["low", "medium", "high", "xhigh", "max"]
type Base64 = Annotated[str, AfterValidator(_is_base64)]


class CacheControl(Strict):
    type: Literal["ephemeral"]
    ttl: Literal["5m", "1h"] | None = None
    scope: str | None = None


class _Block(Strict):
    cache_control: CacheControl | None = None


class Citations(Strict):
    enabled: bool | None = None


class TextBlock(_Block):
    type: Literal["text"]
    text: str
    citations: list[dict[str, Any]] | None = None


class UrlSource(Strict):
    type: Literal["url"]
    url: Annotated[Any, AfterValidator(_no_url)]


class FileSource(Strict):
    type: Literal["file"]
    file_id: Annotated[Any, AfterValidator(_no_file)]


class ImageData(Strict):
    type: Literal["base64"]
    media_type: Literal["image/jpeg", "image/png", "image/gif", "image/webp"]
    data: Base64


class ImageBlock(_Block):
    type: Literal["image"]
    source: Annotated[ImageData | UrlSource | FileSource, Field(discriminator="type")]


class PdfData(Strict):
    type: Literal["base64"]
    media_type: Literal["application/pdf"]
    data: Base64


class PlainText(Strict):
    type: Literal["text"]
    media_type: Literal["text/plain"]
    data: str


class InParts(Strict):
    type: Literal["content"]
    content: str | list[Annotated[TextBlock | ImageBlock, Field(discriminator="type")]]


class DocumentBlock(_Block):
    type: Literal["document"]
    source: Annotated[PdfData | PlainText | InParts | UrlSource | FileSource, Field(discriminator="type")]
    title: Annotated[str, Field(max_length=500)] | None = None
    context: str | None = None
    citations: Citations | None = None


class SearchResultBlock(_Block):
    type: Literal["search_result"]
    source: str
    title: str
    content: list[TextBlock]
    citations: Citations | None = None


class ThinkingBlock(Strict):
    type: Literal["thinking"]
    thinking: str
    signature: str = ""


class RedactedBlock(Strict):
    type: Literal["redacted_thinking"]
    data: str


class ToolUseBlock(_Block):
    type: Literal["tool_use"]
    id: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1, max_length=128)]
    input: dict[str, Any]
    caller: dict[str, Any] | None = None


class ToolReferenceBlock(_Block):
    """What a search of the caller's own has found: from here on the model sees that tool, which was deferred."""

    type: Literal["tool_reference"]
    tool_name: Annotated[str, Field(min_length=1, max_length=128)]


type _Shown = Annotated[
    TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | ToolReferenceBlock, Field(discriminator="type")
]


class ToolResultBlock(_Block):
    type: Literal["tool_result"]
    tool_use_id: Annotated[str, Field(min_length=1)]
    content: str | list[_Shown] | None = None
    is_error: bool | None = None


class ServerBlock(Strict):
    """What a tool that Anthropic runs has left in a history: it goes back as it came."""

    model_config = ConfigDict(extra="allow")

    type: Literal[
        "advisor_tool_result",
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "compaction",
        "server_tool_use",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "web_fetch_tool_result",
        "web_search_tool_result",
    ]


class UserMessage(Strict):
    role: Literal["user"]
    content: (
        str
        | list[
            Annotated[
                TextBlock | ImageBlock | DocumentBlock | SearchResultBlock | ToolResultBlock,
                Field(discriminator="type"),
            ]
        ]
    )


class AssistantMessage(Strict):
    """It may have said nothing, as answers may."""

    role: Literal["assistant"]
    content: (
        str
        | list[
            Annotated[
                TextBlock | ThinkingBlock | RedactedBlock | ToolUseBlock | ServerBlock, Field(discriminator="type")
            ]
        ]
    )


class TurnConfig(Strict):
    """How hard the model is to work from here on."""

    effort: AskedEffort | None = None


class SystemMessage(Strict):
    """What the system says in the conversation: https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages."""

    role: Literal["system"]
    content: str | list[TextBlock]
    output_config: TurnConfig | None = None


type Message = Annotated[UserMessage | AssistantMessage | SystemMessage, Field(discriminator="role")]


class CustomTool(Strict):
    type: Literal["custom"] | None = None
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,128}$")]
    description: str | None = None
    input_schema: Annotated[dict[str, Any], AfterValidator(_is_objects)]
    strict: bool | None = None
    cache_control: CacheControl | None = None
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    eager_input_streaming: bool | None = None
    input_examples: list[dict[str, Any]] | None = None


class ClientTool(Strict):
    """A tool that Anthropic defines and the caller runs."""

    model_config = ConfigDict(extra="allow")

    type: str
    name: Annotated[str, Field(min_length=1, max_length=128)]
    cache_control: CacheControl | None = None


def _not_run(kind: str) -> str:
    raise not_offered(
        "is run by Anthropic, and the gateway can neither price nor bound what it adds: give the model a tool of your "
        f"own in place of {kind[:40]!r}"
    )


class ServerTool(Strict):
    model_config = ConfigDict(extra="allow")

    type: Annotated[str, AfterValidator(_not_run)]


CLIENT_TOOLS = ("bash_", "computer_", "memory_", "text_editor_")
"""Begin the types of tools that Anthropic defines and the caller runs."""


def _kind_of(tool: Any) -> str:
    kind = tool.get("type") if isinstance(tool, dict) else getattr(tool, "type", None)
    if kind in (None, "custom") or not isinstance(kind, str):
        return "custom"
    return "client" if kind.startswith(CLIENT_TOOLS) else "server"


type Tool = Annotated[
    Annotated[CustomTool, Tag("custom")] | Annotated[ClientTool, Tag("client")] | Annotated[ServerTool, Tag("server")],
    Discriminator(_kind_of),
]
