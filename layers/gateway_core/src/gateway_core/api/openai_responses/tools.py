"""The tools of OpenAI's Responses, checked for their shape: those that the caller runs, and web search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from gateway_core.api.body import Strict, not_offered
from gateway_core.api.openai_responses.items import Loose
from gateway_core.api.tools import ToolName

_SERVERS = "the gateway offers no tools that a provider runs: give the model a function of your own"
type _Inner = Annotated[str, Field(min_length=1, max_length=128)]


class _Tool(Strict):
    description: str | None = None
    defer_loading: bool | None = None
    allowed_callers: list[Literal["direct"]] | None = None


class FlatFunction(_Tool):
    type: Literal["function"]
    name: ToolName
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    output_schema: dict[str, Any] | None = None


class FlatCustom(_Tool):
    type: Literal["custom"]
    name: ToolName
    format: dict[str, Any] | None = None


class InnerFunction(FlatFunction):
    name: _Inner


class InnerCustom(FlatCustom):
    name: _Inner


class Namespace(Strict):
    type: Literal["namespace"]
    name: _Inner
    description: str | None = None
    tools: list[Annotated[InnerFunction | InnerCustom, Field(discriminator="type")]]


class ClientTool(Loose):
    """One that its caller runs, and only OpenAI's models know."""


def _is_here(environment: Any) -> Any:
    if not isinstance(environment, Mapping) or environment.get("type") != "local":
        raise not_offered("containers of a provider belong to nobody here: only the environment local is offered")
    return environment


class Shell(Loose):
    environment: Annotated[Any, BeforeValidator(_is_here)]


def _is_clients(execution: str) -> str:
    if execution != "client":
        raise not_offered("only a search that the client does is offered: send execution: client")
    return execution


class ToolSearch(Loose):
    execution: Annotated[str, AfterValidator(_is_clients)] = "client"


class WebSearch(Loose):
    """Taken, as Codex always sends it, and left out."""


def _refuse(_value: Any) -> None:
    raise not_offered(_SERVERS)


_SERVER_TOOLS = frozenset(
    {
        "code_interpreter",
        "computer",
        "computer_use_preview",
        "file_search",
        "image_generation",
        "mcp",
        "programmatic_tool_calling",
    }
)


def kind_of(value: Any) -> str | None:
    """The type that it says it has, if it says one."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    return kind if isinstance(kind, str) else None


def _tag(tool: Any) -> str | None:
    kind = kind_of(tool)
    if kind in _SERVER_TOOLS or str(kind).startswith("computer_"):
        return "server"
    if str(kind).startswith("web_search"):
        return "web_search"
    return "client" if kind in ("apply_patch", "local_shell") else kind


type ResponseTool = Annotated[
    Annotated[FlatFunction, Tag("function")]
    | Annotated[FlatCustom, Tag("custom")]
    | Annotated[Namespace, Tag("namespace")]
    | Annotated[ClientTool, Tag("client")]
    | Annotated[Shell, Tag("shell")]
    | Annotated[ToolSearch, Tag("tool_search")]
    | Annotated[WebSearch, Tag("web_search")]
    | Annotated[Any, AfterValidator(_refuse), Tag("server")],
    Discriminator(_tag, custom_error_type="unknown_tool", custom_error_message="is no tool of a known type"),
]


class _Chosen(Strict):
    name: _Inner
    namespace: _Inner | None = None


class ChosenFunction(_Chosen):
    type: Literal["function"]


class ChosenCustom(_Chosen):
    type: Literal["custom"]


class ChosenClient(Strict):
    type: Literal["apply_patch", "shell"]


class ChosenNamespace(Strict):
    type: Literal["namespace"]
    name: _Inner


def _one_tag(tool: Any) -> str | None:
    kind = kind_of(tool)
    if str(kind).startswith("web_search"):
        return "web_search"
    return "client" if kind in ("apply_patch", "shell", "local_shell") else kind


type _One = Annotated[
    Annotated[ChosenFunction, Tag("function")]
    | Annotated[ChosenCustom, Tag("custom")]
    | Annotated[ChosenNamespace, Tag("namespace")]
    | Annotated[ClientTool, Tag("client")]
    | Annotated[WebSearch, Tag("web_search")],
    Discriminator(_one_tag, custom_error_type="unknown_choice", custom_error_message="is no tool to choose"),
]


class AllowedOnes(Strict):
    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[list[_One], Field(min_length=1)]


def _is_offered(choice: Any) -> Any:
    kind = kind_of(choice)
    if kind in _SERVER_TOOLS or str(kind).startswith(("web_search", "computer_")):
        raise not_offered(_SERVERS)
    return choice


type Choice = Annotated[
    Literal["none", "auto", "required"]
    | Annotated[ChosenFunction | ChosenCustom | ChosenClient | AllowedOnes, Field(discriminator="type")],
    BeforeValidator(_is_offered),
]
