"""How a question asks for an answer by a schema: by the provider's structured output where the model has it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway_core.domain.chat import Json, Model

_STRICT_LEAVES_OUT = frozenset({"default"})


def response_format(schema: Json | None, models: Iterable[Model]) -> dict[str, Any] | None:
    """OpenAI's `response_format` for what all of the models can do; None where only the prompt can ask for it."""
    if schema is None or schema.get("type") != "object":
        return None
    abilities = [model.capabilities for model in models]
    if abilities and all("json_schema" in ability for ability in abilities):
        named = {"name": "answer", "schema": dict(schema), "strict": is_strict(schema)}
        return {"type": "json_schema", "json_schema": named}
    return {"type": "json_object"} if abilities and all("json" in ability for ability in abilities) else None


def is_strict(schema: Any) -> bool:
    """Whether OpenAI's strict mode takes the schema: every object closed, and every property of it required.

    https://platform.openai.com/docs/guides/structured-outputs ("Supported schemas").
    """
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        names = schema.get("properties", {})
        closed = schema.get("additionalProperties") is False and isinstance(names, dict)
        if not closed or set(names) != set(schema.get("required", [])):
            return False
    return not _STRICT_LEAVES_OUT & schema.keys() and all(map(is_strict, schema.values()))
