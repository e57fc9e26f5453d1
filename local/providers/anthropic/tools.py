"""What Anthropic refuses of tools.

Rules as of 2026-11-29, from https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools (names, schemas,
tool_choice), https://platform.claude.com/docs/en/api/messages/create (fields) and
https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool (deferred tools: not all of them, and the
model knows those that a result refers to).
"""

from __future__ import annotations

import re
from typing import Any

from local.providers.model import Json, Refused

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_FIELDS = frozenset(
    [
        "allowed_callers",
        "cache_control",
        "defer_loading",
        "description",
        "eager_input_streaming",
        "input_examples",
        "input_schema",
        "name",
        "strict",
        "type",
    ]
)
_CHOICES = ("any", "auto", "none", "tool")
_UNIONS = ("oneOf", "allOf", "anyOf")


def check_tools(body: Json) -> None:
    """Raises Refused."""
    tools = body.get("tools")
    for index, tool in enumerate(tools or ()):
        if tool.get("type") in (None, "custom"):
            _check_custom(f"tools.{index}.custom", tool)
    if tools and all(tool.get("defer_loading") for tool in tools):
        raise Refused("At least one tool must have defer_loading=false.")
    names = [tool["name"] for tool in tools or () if "name" in tool]
    if len(names) > len(set(names)):
        raise Refused("tools: Tool names must be unique.")
    if body.get("tool_choice") is not None:
        _check_choice(body["tool_choice"], names)


def check_references(body: Json) -> None:
    """Raises Refused for a result that refers to a tool that is not there."""
    names = [tool.get("name") for tool in body.get("tools") or ()]
    for name in referred(body):
        if name not in names:
            raise Refused(f"Tool reference '{name}' not found in available tools.")


def known_tools(body: Json) -> list[Json]:
    """The tools that the model sees: what is deferred it has to be referred to first."""
    found = set(referred(body))
    return [tool for tool in body.get("tools") or () if not tool.get("defer_loading") or tool["name"] in found]


def referred(body: Json) -> list[str]:
    """Names of tools, in the results that refer to them."""
    blocks = [block for message in body["messages"] for block in _listed(message["content"])]
    results = [part for block in blocks if block["type"] == "tool_result" for part in _listed(block.get("content"))]
    return [part["tool_name"] for part in results if part["type"] == "tool_reference"]


def _listed(content: Any) -> list[Json]:
    return content if isinstance(content, list) else []


def _check_custom(at: str, tool: Json) -> None:
    for name in ("name", "input_schema"):
        if name not in tool:
            raise Refused(f"{at}.{name}: Field required")
    for name in sorted(set(tool) - _FIELDS):
        raise Refused(f"{at}.{name}: Extra inputs are not permitted")
    if not _NAME.fullmatch(tool["name"]):
        raise Refused(f"{at}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    check_input_schema(f"{at}.input_schema", tool["input_schema"])


def check_input_schema(at: str, schema: Any) -> None:
    """It has to be an object's schema at its top. Raises Refused."""
    if not isinstance(schema, dict):
        raise Refused(f"{at}: Input should be a valid dictionary")
    if "type" not in schema:
        raise Refused(f"{at}.type: Field required")
    if schema["type"] != "object":
        raise Refused(f"{at}.type: Input should be 'object'")
    if any(name in schema for name in _UNIONS):
        raise Refused(f"{at}: input_schema does not support oneOf, allOf, or anyOf at the top level")


def _check_choice(choice: Any, names: list[str]) -> None:
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind not in _CHOICES:
        listed = ", ".join(f"'{known}'" for known in _CHOICES)
        found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
        raise Refused(f"tool_choice: {found}: {listed}")
    if kind == "any" and not names:
        raise Refused("tool_choice.any may only be specified while providing tools")
    if kind == "tool" and choice.get("name") not in names:
        raise Refused(f"Tool '{choice.get('name')}' not found in provided tools")
