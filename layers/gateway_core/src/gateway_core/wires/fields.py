"""The field that a provider finds at fault, by the caller's name: OpenAI's chat form has other names than its own wire.

OpenAI says it apart (`param`), Anthropic and Gemini begin their prose with it: "tools.0.name: ...", "* GenerateContent
Request.contents[0].parts: ...".
"""

from __future__ import annotations

import re

_PATH = re.compile(r"[a-z_]{1,40}(?:\.[\w-]{1,64}|\[\d{1,6}\])*")
_BEGINNING = re.compile(rf"\W*(?:GenerateContentRequest\.)?({_PATH.pattern}):")
_AT = re.compile(rf"\bat '({_PATH.pattern})'")
_NAMED = re.compile(r"(?P<quote>['`\"])([a-z_]{1,40})(?P=quote)|\b([a-z]+_[a-z]+)\b")
_INDEX = re.compile(r"\[(\d+)\]")
_SAME = frozenset(
    {
        "frequency_penalty",
        "max_tokens",
        "messages",
        "metadata",
        "presence_penalty",
        "reasoning_effort",
        "response_format",
        "seed",
        "service_tier",
        "stop",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
_CALLERS = {
    "contents": "messages",
    "generation_config.max_output_tokens": "max_tokens",
    "generation_config.response_json_schema": "response_format",
    "generation_config.response_mime_type": "response_format",
    "generation_config.response_schema": "response_format",
    "generation_config.seed": "seed",
    "generation_config.stop_sequences": "stop",
    "generation_config.temperature": "temperature",
    "generation_config.thinking_config": "reasoning_effort",
    "generation_config.top_k": "top_k",
    "generation_config.top_p": "top_p",
    "input": "messages",
    "max_output_tokens": "max_tokens",
    "output_config.effort": "reasoning_effort",
    "output_config.format": "response_format",
    "reasoning": "reasoning_effort",
    "stop_sequences": "stop",
    "system": "messages",
    "system_instruction": "messages",
    "text.format": "response_format",
    "text.verbosity": "verbosity",
    "tool_config": "tool_choice",
}
"""By the beginning of a path on another wire. What follows there are places that callers do not know."""


def field_at_fault(param: object, message: str) -> str:
    """The field's path, with dots alone; empty where neither `param` nor the prose names one of a request."""
    if isinstance(param, str) and _PATH.fullmatch(param):
        path = _dotted(param)
        return _callers(path) or path
    found = _BEGINNING.match(message) or _AT.search(message)
    if not found:
        named = (quoted or bare for _, quoted, bare in _NAMED.findall(message))
        return next((name for name in named if name in _SAME), "")
    path = _dotted(found[1])
    return _callers(path) or (path.partition(".")[0] if path.partition(".")[0] in _SAME else "")


def _dotted(path: str) -> str:
    return _INDEX.sub(r".\1", path)


def _callers(path: str) -> str:
    """The caller's name for a field of another wire; empty where it goes by the same."""
    first, _, rest = path.partition(".")
    return _CALLERS.get(first) or _CALLERS.get(f"{first}.{rest.partition('.')[0]}") or ""
