"""What OpenAI's Chat Completions refuses of tools.

Rules as of 2026-11-29, from https://developers.openai.com/api/docs/guides/function-calling (functions, custom tools,
allowed_tools) and https://developers.openai.com/api/reference/resources/chat (`functions`, `function_call`).
"""

from __future__ import annotations

import re
from typing import Any

from local.providers.model import Json, Refused
from local.providers.openai.wrong import missing, unknown_value

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_KINDS = ("function", "custom")
_MODES = ("none", "auto", "required")
_GRAMMARS = ("lark", "regex")


def check_tools(body: Json) -> None:
    """Raises Refused."""
    tools = body.get("tools")
    for index, tool in enumerate(tools or ()):
        _check_tool(tool, f"tools[{index}]")
    for index, function in enumerate(body.get("functions") or ()):
        check_name(function, f"functions[{index}]")
    check_needs_tools(body)
    if body.get("tool_choice") is not None:
        names = [tool[tool["type"]]["name"] for tool in tools or ()]
        check_choice(body["tool_choice"], names, nested=True)


def check_needs_tools(body: Json) -> None:
    """Raises Refused for what is only allowed next to tools."""
    for name in ("tool_choice", "parallel_tool_calls"):
        if body.get(name) not in (None, "none") and not body.get("tools"):
            message = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            raise Refused(message, param=name)
    if body.get("function_call") not in (None, "none") and not body.get("functions"):
        message = "Invalid value for 'function_call': 'function_call' is only allowed when 'functions' are specified."
        raise Refused(message, param="function_call")


def _check_tool(tool: Any, at: str) -> None:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind is None:
        raise missing(f"{at}.type")
    if kind not in _KINDS:
        raise unknown_value(f"{at}.type", kind, _KINDS)
    if not isinstance(tool.get(kind), dict):
        raise missing(f"{at}.{kind}")
    check_name(tool[kind], f"{at}.{kind}")
    if kind == "custom":
        check_format(tool[kind].get("format"), f"{at}.custom.format", nested=True)


def check_name(function: Any, at: str) -> None:
    """The name and schema of a function. Raises Refused."""
    if "name" not in function:
        raise missing(f"{at}.name")
    if not _NAME.fullmatch(str(function["name"])):
        message = (
            f"Invalid '{at}.name': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'."
        )
        raise Refused(message, param=f"{at}.name", code="invalid_value")
    schema = function.get("parameters")
    if schema is not None and (not isinstance(schema, dict) or schema.get("type", "object") != "object"):
        found = schema.get("type") if isinstance(schema, dict) else schema
        message = (
            f"Invalid schema for function '{function['name']}': schema must be a JSON Schema of 'type: \"object\"'"
        )
        raise Refused(
            f"{message}, got 'type: \"{found}\"'.", param=f"{at}.parameters", code="invalid_function_parameters"
        )


def check_format(given: Any, at: str, *, nested: bool) -> None:
    """The input format of a custom tool; Chat Completions nests a grammar, Responses does not. Raises Refused."""
    if given is None or given.get("type") == "text":
        return
    if given.get("type") != "grammar":
        raise unknown_value(f"{at}.type", given.get("type"), ("text", "grammar"))
    grammar = given.get("grammar") if nested else given
    for name in ("syntax", "definition"):
        if name not in (grammar or {}):
            raise missing(f"{at}.grammar.{name}" if nested else f"{at}.{name}")
    if grammar["syntax"] not in _GRAMMARS:
        raise unknown_value(f"{at}.syntax", grammar["syntax"], _GRAMMARS)


def check_choice(choice: Any, names: list[str], *, nested: bool) -> None:
    """A mode, one tool by name, or some of them. Raises Refused."""
    if isinstance(choice, str):
        if choice not in _MODES:
            raise unknown_value("tool_choice", choice, _MODES)
        return
    kind = choice.get("type")
    if kind == "allowed_tools":
        _check_allowed(choice["allowed_tools"] if nested else choice, names, nested=nested)
    elif kind in _KINDS:
        _check_chosen(choice[kind] if nested else choice, names)
    elif nested:
        raise unknown_value("tool_choice.type", kind, ("function", "custom", "allowed_tools"))


def _check_allowed(allowed: Json, names: list[str], *, nested: bool) -> None:
    if allowed.get("mode") not in ("auto", "required"):
        raise unknown_value("tool_choice.allowed_tools.mode", allowed.get("mode"), ("auto", "required"))
    for tool in allowed["tools"]:
        _check_chosen(tool[tool["type"]] if nested else tool, names)


def _check_chosen(tool: Json, names: list[str]) -> None:
    if tool.get("name") not in names:
        raise Refused(f"Tool choice '{tool.get('name')}' not found in 'tools' parameter.", param="tool_choice")
