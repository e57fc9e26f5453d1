"""What Gemini refuses, in its own words."""

from __future__ import annotations

import re
from typing import Any, Protocol

from local.providers.model import Json, Refused, Request

_FIELDS = frozenset(
    [
        "cachedContent",
        "contents",
        "generationConfig",
        "labels",
        "model",
        "safetySettings",
        "serviceTier",
        "store",
        "systemInstruction",
        "toolConfig",
        "tools",
    ]
)
_KNOWN = re.compile(r"(gemini-|gemma-|text-embedding-|embedding-)")
_SNAKE = re.compile(r"_([a-z])")


class Refuser(Protocol):
    """Words a refusal."""

    def refuse(self, message: str, number: int, *, kind: str = "invalid") -> Refused: ...


def check_model(wire: Refuser, request: Request, number: int) -> str:
    """The model of the path. Raises Refused."""
    model = request.params["model"]
    if not _KNOWN.match(model):
        message = (
            f"models/{model} is not found for API version v1beta, or is not supported for generateContent. "
            "Call ListModels to see the list of available models and their supported methods."
        )
        raise wire.refuse(message, number, kind="not_found")
    return model


def check_contents(wire: Refuser, body: Json, number: int) -> None:
    """Raises Refused."""
    unknown = sorted(name for name in body if _camel(name) not in _FIELDS)
    if unknown:
        message = f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
        raise wire.refuse(message, number)
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise wire.refuse("* GenerateContentRequest.contents: contents is not specified\n", number)
    for index, content in enumerate(contents):
        problem = _problem(index, content)
        if problem:
            raise wire.refuse(problem, number)


def _problem(index: int, content: Any) -> str | None:
    if not isinstance(content, dict):
        return f"Invalid value at 'contents[{index}]' (type.googleapis.com/google.ai.generativelanguage.v1beta.Content)"
    if content.get("role", "user") not in ("user", "model", "function"):
        return "Please use a valid role: user, model."
    if not isinstance(content.get("parts"), list) or not content["parts"]:
        return f"* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n"
    return None


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda match: match[1].upper(), name)
