"""The input items of OpenAI's Responses, checked for what is read of them. Members that nothing reads may be any.

SDKs send answers back with all members that they came with, and OpenAI adds new ones. What each item means to a model,
`wires.openai_responses` knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator

from gateway_core.api.body import not_offered
from gateway_core.api.messages import Sound, is_file, is_image

NOT_KEPT = "nothing is kept of earlier answers, as all projects share one account there: send the whole input"
_KEPT_FILES = "files that a provider keeps belong to nobody here: send the file itself"
_SERVERS = "the gateway offers no tools that a provider runs: send the history without what they did"


class Loose(BaseModel):
    """A schema that passes over what it does not know, and does not turn one type into another."""

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True, defer_build=True)


def _no_file_id(value: str | None) -> None:
    if value is not None:
        raise not_offered(_KEPT_FILES)


def _no_url(value: str | None) -> None:
    if value is not None:
        raise not_offered("the gateway fetches nothing: send the file itself as file_data, a data: URL")


class InputText(Loose):
    type: Literal["input_text"]
    text: str


class InputImage(Loose):
    type: Literal["input_image"]
    file_id: Annotated[str | None, AfterValidator(_no_file_id)] = None
    image_url: Annotated[str, AfterValidator(is_image)]
    detail: Literal["auto", "low", "high", "original"] | None = None


class InputFile(Loose):
    type: Literal["input_file"]
    filename: Annotated[str, Field(max_length=512)] | None = None
    file_id: Annotated[str | None, AfterValidator(_no_file_id)] = None
    file_url: Annotated[str | None, AfterValidator(_no_url)] = None
    file_data: Annotated[str, AfterValidator(is_file)] | None = None

    @model_validator(mode="after")
    def _is_sent(self) -> Self:
        if self.file_data is None:
            raise ValueError("send the file itself as file_data, a data: URL")
        return self


class InputAudio(Loose):
    type: Literal["input_audio"]
    input_audio: Sound


class OutputText(Loose):
    type: Literal["output_text"]
    text: str


class OutputRefusal(Loose):
    type: Literal["refusal"]
    refusal: str


type _Input = Annotated[InputText | InputImage | InputFile | InputAudio, Field(discriminator="type")]
type _Output = Annotated[OutputText | OutputRefusal, Field(discriminator="type")]
type _Result = Annotated[InputText | InputImage | InputFile, Field(discriminator="type")]
type _Name = Annotated[str, Field(min_length=1, max_length=128)]
type _CallId = Annotated[str, Field(min_length=1)]


class InputMessage(Loose):
    role: Literal["user", "system", "developer"]
    content: str | list[_Input]


class OutputMessage(Loose):
    role: Literal["assistant"]
    content: str | list[_Output]


class FunctionCallItem(Loose):
    call_id: _CallId
    name: _Name
    namespace: _Name | None = None
    arguments: str


class CustomCallItem(Loose):
    call_id: _CallId
    name: _Name
    namespace: _Name | None = None
    input: str


class ResultItem(Loose):
    call_id: _CallId
    output: str | list[_Result]


class ReasoningItem(Loose):
    summary: list[Any] | None = None
    encrypted_content: str | None = None


class CompactionItem(Loose):
    encrypted_content: str


class ClientItem(Loose):
    """What only OpenAI's models know, and their caller does itself."""


def _only_functions(tools: list[Any]) -> list[Any]:
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if kind == "namespace" and isinstance(inner := tool.get("tools") or [], list):
            _only_functions(inner)
        elif kind not in ("function", "custom"):
            raise not_offered("tools that were found by a search may be functions and custom tools")
    return tools


class FoundTools(Loose):
    tools: Annotated[list[Any], AfterValidator(_only_functions)]


def _refuse(why: str) -> AfterValidator:
    def refuse(_value: Any) -> None:
        raise not_offered(why)

    return AfterValidator(refuse)


_SERVER_ITEMS = frozenset(
    {
        "code_interpreter_call",
        "computer_call",
        "computer_call_output",
        "file_search_call",
        "image_generation_call",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "program",
        "program_output",
    }
)
_CLIENT_ITEMS = frozenset(
    {
        "apply_patch_call",
        "apply_patch_call_output",
        "compaction_trigger",
        "local_shell_call",
        "local_shell_call_output",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "web_search_call",
    }
)
_RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})


def _tag(item: Any) -> str | None:
    """Which schema an item has to fit."""
    if not isinstance(item, Mapping):
        return None
    kind = item.get("type") or ("message" if "role" in item else "item_reference")
    if not isinstance(kind, str):
        return None
    if kind == "message":
        return "output_message" if item.get("role") == "assistant" else "message"
    if kind in _SERVER_ITEMS:
        return "server"
    if kind in _CLIENT_ITEMS:
        return "client"
    return "result" if kind in _RESULTS else kind


type Item = Annotated[
    Annotated[InputMessage, Tag("message")]
    | Annotated[OutputMessage, Tag("output_message")]
    | Annotated[FunctionCallItem, Tag("function_call")]
    | Annotated[CustomCallItem, Tag("custom_tool_call")]
    | Annotated[ResultItem, Tag("result")]
    | Annotated[ReasoningItem, Tag("reasoning")]
    | Annotated[CompactionItem, Tag("compaction")]
    | Annotated[ClientItem, Tag("client")]
    | Annotated[FoundTools, Tag("tool_search_output")]
    | Annotated[Any, _refuse(NOT_KEPT), Tag("item_reference")]
    | Annotated[Any, _refuse(_SERVERS), Tag("server")]
    | Annotated[Any, _refuse("send all tools in `tools`"), Tag("additional_tools")],
    Discriminator(_tag, custom_error_type="unknown_item", custom_error_message="is no item of a known type"),
]
"""One item; a message may come without its type."""
