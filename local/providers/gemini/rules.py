"""What Gemini refuses, in its own words. The rules of contents, tools, config and signatures have modules of their own.

Rules as of 2026-11-29, from https://ai.google.dev/api/generate-content.
"""

from __future__ import annotations

import re
from typing import Any

from local.providers.gemini.config import check_config
from local.providers.gemini.contents import check_contents
from local.providers.gemini.proto import get, violations
from local.providers.gemini.signatures import check_signatures
from local.providers.gemini.tools import check_tools
from local.providers.model import Json, Refused, Request

_KNOWN = re.compile(r"(gemini-|gemma-|text-embedding-|embedding-)")
_CONTENT = "type.googleapis.com/google.ai.generativelanguage.v1beta.Content"


def check_model(request: Request) -> str:
    """The model of the path. Raises Refused."""
    model = request.params["model"]
    if not _KNOWN.match(model):
        raise Refused(None, kind="not_found", model=model)
    return model


def check_request(body: Json, model: str) -> None:
    """Raises Refused."""
    found = violations(body)
    if found:
        raise Refused("\n".join(problem for _, problem in found), fields=tuple(found))
    check_contents(body.get("contents"))
    _check_system(get(body, "systemInstruction"))
    check_config(body, model)
    check_tools(body)
    check_signatures(body["contents"], model)


def _check_system(system: Any) -> None:
    """Text alone, and some of it."""
    if system is None:
        return
    if not isinstance(system, dict):
        raise Refused(f"Invalid value at 'system_instruction' ({_CONTENT}), \"{system}\"")
    if not system.get("parts"):
        raise Refused("* GenerateContentRequest.system_instruction.parts: contents.parts must not be empty.\n")
    for index, part in enumerate(system["parts"]):
        if not isinstance(part.get("text"), str):
            raise Refused(f"* GenerateContentRequest.system_instruction.parts[{index}]: only text is supported.\n")
