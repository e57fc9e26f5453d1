"""What Gemini refuses of function declarations and of how they are to be called.

Rules as of 2026-11-29, from https://ai.google.dev/api/caching#FunctionDeclaration (names; `parameters` takes a subset
of OpenAPI, `parametersJsonSchema` JSON Schema, and only one of them may be given), #Schema on the same page, and
https://ai.google.dev/gemini-api/docs/function-calling (modes).
"""

from __future__ import annotations

import re
from typing import Any

from local.providers.gemini.proto import get
from local.providers.model import Json, Refused

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_BAD_NAME = (
    "[FIELD_INVALID] Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, "
    "0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128."
)
_TYPES = ("array", "boolean", "integer", "null", "number", "object", "string", "type_unspecified")
_MODES = ("ANY", "AUTO", "MODE_UNSPECIFIED", "NONE", "VALIDATED")
_NAMING = ("ANY", "VALIDATED")
_REQUEST = "* GenerateContentRequest."
_API = "type.googleapis.com/google.ai.generativelanguage.v1beta"


def declared_of(body: Json) -> list[Json]:
    """All function declarations."""
    return [item for tool in body.get("tools") or () for item in get(tool, "functionDeclarations") or ()]


def calling_of(body: Json) -> Json:
    return get(get(body, "toolConfig") or {}, "functionCallingConfig") or {}


def check_tools(body: Json) -> None:
    """Raises Refused."""
    for index, tool in enumerate(body.get("tools") or ()):
        for number, item in enumerate(get(tool, "functionDeclarations") or ()):
            _check_declaration(item, f"tools[{index}].function_declarations[{number}]")
    names = [item["name"] for item in declared_of(body)]
    for name in names:
        if names.count(name) > 1:
            raise Refused(f"Duplicate function declaration found: {name}")
    _check_calling(calling_of(body), names)


def _check_declaration(item: Json, at: str) -> None:
    if not _NAME.fullmatch(str(item.get("name", ""))):
        raise Refused(f"{_REQUEST}{at}.name: {_BAD_NAME}\n")
    schema, json_schema = item.get("parameters"), get(item, "parametersJsonSchema")
    if schema is not None and json_schema is not None:
        message = "parameters and parameters_json_schema are mutually exclusive: only one of them may be set.\n"
        raise Refused(f"{_REQUEST}{at}: {message}")
    if schema is not None:
        check_schema(schema, f"{at}.parameters")
    if json_schema is not None:
        _check_json_schema(json_schema, f"{at}.parameters_json_schema")


def _check_json_schema(schema: Any, at: str) -> None:
    """Anything that describes an object."""
    if not isinstance(schema, dict) or schema.get("type", "object") != "object":
        raise Refused(f"{_REQUEST}{at}: the schema must describe an object.\n")


def check_schema(schema: Any, at: str) -> None:
    """A schema in OpenAPI's subset. Raises Refused."""
    if not isinstance(schema, dict):
        raise Refused(f"Invalid value at '{at}' ({_API}.Schema), {str(schema).lower()}")
    kind = str(schema.get("type", "")).lower()
    if kind and kind not in _TYPES:
        raise Refused(f"Invalid value at '{at}.type' ({_API}.Type), \"{schema['type']}\"")
    _check_enum(schema, kind, at)
    if kind == "array" and "items" not in schema:
        raise Refused(f"{_REQUEST}{at}.items: missing field.\n")
    for index, name in enumerate(schema.get("required") or ()):
        if name not in (schema.get("properties") or {}):
            raise Refused(f"{_REQUEST}{at}.required[{index}]: property is not defined\n")
    for name, inner in (schema.get("properties") or {}).items():
        check_schema(inner, f"{at}.properties[{name}]")
    for index, inner in enumerate(get(schema, "anyOf") or ()):
        check_schema(inner, f"{at}.any_of[{index}]")
    if "items" in schema:
        check_schema(schema["items"], f"{at}.items")


def _check_enum(schema: Json, kind: str, at: str) -> None:
    values = schema.get("enum")
    for index, value in enumerate(values or ()):
        if not isinstance(value, str):
            raise Refused(f"Invalid value at '{at}.enum[{index}]' (TYPE_STRING), {value}")
        if not value:
            raise Refused(f"{_REQUEST}{at}.enum[{index}]: cannot be empty\n")
    if values and kind != "string":
        raise Refused(f"{_REQUEST}{at}.enum: only allowed for STRING type\n")


def _check_calling(calling: Json, names: list[str]) -> None:
    mode = calling.get("mode", "AUTO")
    at = "tool_config.function_calling_config"
    if mode not in _MODES:
        raise Refused(f"Invalid value at '{at}.mode' ({_API}.FunctionCallingConfig.Mode), \"{mode}\"")
    allowed = get(calling, "allowedFunctionNames") or []
    if allowed and mode not in _NAMING:
        raise Refused(f"{_REQUEST}{at}.allowed_function_names: should be set only when mode is ANY or VALIDATED.\n")
    for name in allowed:
        if name not in names:
            raise Refused(f"{_REQUEST}{at}.allowed_function_names: {name} is not a declared function.\n")
    if mode in _NAMING and not names:
        raise Refused("Function calling config is set without function_declarations.")
