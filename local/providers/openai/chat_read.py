"""What a request of Chat Completions asks for, apart from its messages."""

from __future__ import annotations

from typing import Any

from local.providers.content import read_content
from local.providers.model import Json, Tool


def stops_of(stop: Any) -> tuple[str, ...]:
    return (stop,) if isinstance(stop, str) else tuple(stop or ())


def tools_of(body: Json) -> tuple[Tool, ...]:
    """Those that may be called: functions, custom tools, and the functions of old; with allowed_tools some of them."""
    legacy = [] if body.get("function_call") == "none" else body.get("functions") or []
    choice = body.get("tool_choice")
    tools = [] if choice == "none" else [_tool(tool) for tool in body.get("tools") or ()]
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = [tool[tool["type"]]["name"] for tool in choice["allowed_tools"]["tools"]]
        tools = [tool for tool in tools if tool.name in allowed]
    return (*tools, *(Tool(item["name"], item.get("parameters") or {}, "legacy") for item in legacy))


def _tool(tool: Json) -> Tool:
    if tool.get("type") == "custom":
        return Tool(tool["custom"]["name"], {}, "custom")
    return Tool(tool["function"]["name"], tool["function"].get("parameters") or {})


def forced_of(body: Json) -> str | None:
    """The tool that must be called, or "*" for any."""
    choice = body.get("tool_choice")
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        choice = choice["allowed_tools"]["mode"]
    if isinstance(choice, dict):
        return str(choice[choice.get("type", "function")]["name"])
    if isinstance(body.get("function_call"), dict):
        return str(body["function_call"]["name"])
    return "*" if choice == "required" else None


def schema_of(response_format: Json | None) -> Json | None:
    wanted = response_format or {}
    if wanted.get("type") == "json_schema":
        return dict(wanted["json_schema"].get("schema", {}))
    return {} if wanted.get("type") == "json_object" else None


def predicted_of(body: Json) -> str | None:
    """The text that the caller expects."""
    prediction = body.get("prediction")
    return read_content(prediction.get("content")).text if prediction else None


def parts_of(messages: list[Json], kind: str) -> int:
    """How many parts of a kind all messages have."""
    lists = [message["content"] for message in messages if isinstance(message.get("content"), list)]
    return sum(part.get("type") == kind for parts in lists for part in parts)
