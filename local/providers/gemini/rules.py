"""What Gemini refuses, in its own words."""

from __future__ import annotations

import re
from typing import Any

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


def check_model(request: Request) -> str:
    """The model of the path. Raises Refused."""
    model = request.params["model"]
    if not _KNOWN.match(model):
        raise Refused(None, kind="not_found", model=model)
    return model


def check_contents(body: Json) -> None:
    """Raises Refused."""
    unknown = sorted(name for name in body if _camel(name) not in _FIELDS)
    if unknown:
        message = f'Invalid JSON payload received. Unknown name "{unknown[0]}": Cannot find field.'
        raise Refused(message)
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise Refused("* GenerateContentRequest.contents: contents is not specified\n")
    for index, content in enumerate(contents):
        problem = _problem(index, content)
        if problem:
            raise Refused(problem)


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
