"""What OpenAI's Responses API refuses of tools, and which of them a model can call.

Rules as of 2026-11-29, from https://developers.openai.com/api/docs/guides/function-calling (functions, custom tools,
"Defining namespaces"), https://developers.openai.com/api/docs/guides/tools-tool-search (namespaces hold functions and
custom tools) and https://developers.openai.com/api/docs/guides/tools-web-search.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from local.providers.model import Json
from local.providers.openai.tool_rules import check_choice, check_format, check_name, check_needs_tools
from local.providers.openai.wrong import check_one_of, empty_array, missing, unknown_parameter, unknown_value

_OWN = ("function", "custom")
_SERVER_TOOLS = (
    "apply_patch",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "file_search",
    "image_generation",
    "local_shell",
    "mcp",
    "namespace",
    "shell",
    "tool_search",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
)
_SEARCH = ("type", "external_web_access", "filters", "search_content_types", "search_context_size", "user_location")


def check_tools(body: Json) -> None:
    """Raises Refused."""
    for index, tool in enumerate(body.get("tools") or ()):
        _check_tool(tool, f"tools[{index}]", (*_OWN, *_SERVER_TOOLS))
    check_needs_tools(body)
    if body.get("tool_choice") is not None:
        names = [tool.get("name") for tool in body.get("tools") or ()] + [
            tool["name"] for _, tool in callable_tools(body)
        ]
        check_choice(body["tool_choice"], names, nested=False)


def _check_tool(tool: Any, at: str, kinds: tuple[str, ...]) -> None:
    kind = tool.get("type")
    if kind is None:
        raise missing(f"{at}.type")
    if kind not in kinds:
        raise unknown_value(f"{at}.type", kind, kinds)
    if kind in _OWN:
        check_name(tool, at)
    if kind == "custom":
        check_format(tool.get("format"), f"{at}.format", nested=False)
    if kind == "namespace":
        _check_namespace(tool, at)
    if kind.startswith("web_search") and kind != "web_search_preview":
        for name in sorted(set(tool) - set(_SEARCH)):
            raise unknown_parameter(f"{at}.{name}")
        check_one_of(f"{at}.search_context_size", tool.get("search_context_size"), ("low", "medium", "high"))


def _check_namespace(tool: Json, at: str) -> None:
    check_name(tool, at)
    for name in ("description", "tools"):
        if tool.get(name) is None:
            raise missing(f"{at}.{name}")
    for name in sorted(set(tool) - {"type", "name", "description", "tools"}):
        raise unknown_parameter(f"{at}.{name}")
    if not tool["tools"]:
        raise empty_array(f"{at}.tools")
    for index, inner in enumerate(tool["tools"]):
        _check_tool(inner, f"{at}.tools[{index}]", _OWN)


def callable_tools(body: Json) -> Iterator[tuple[str | None, Json]]:
    """Functions and custom tools, each with the namespace that it stands in."""
    for tool in body.get("tools") or ():
        if tool.get("type") in _OWN:
            yield None, tool
        elif tool.get("type") == "namespace":
            yield from ((tool["name"], inner) for inner in tool["tools"])
