"""The shapes of providers' errors. One reader for all: proxies answer in the shape of whatever stands behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import items, mapping

_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.\[][A-Za-z0-9_]+\]?){0,12}")
_MOST_CHARACTERS = 120
_GEMINIS = "* GenerateContentRequest."
_MEMBERS = frozenset(
    {
        "contents",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "stop_sequences",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)
"""What a message may begin with besides paths: any other word would be prose."""


@dataclass(frozen=True, slots=True)
class WireError:
    """A provider's error. `labels` are its machine words (type, code, status, reasons), lower case.

    `field` is the path of what it finds at fault in the request, in its own words; empty if it does not say.
    """

    labels: frozenset[str]
    message: str
    status: int | None = None
    retry_delay: str = ""
    field: str = ""


def error_of(body: object) -> WireError | None:
    """The error in a decoded body, or None. Gemini may wrap it in a list; DeepSeek and proxies may send a bare text."""
    body = _unwrapped(body)
    error = mapping(body).get("error") or _bare_message(body)
    if isinstance(error, str) and error:
        return WireError(labels=frozenset(), message=error)
    if not mapping(error):
        return None
    shape = mapping(error)
    code, message = shape.get("code"), str(shape.get("message") or "")
    return WireError(
        labels=frozenset(_labels(shape)) - _lengths_of_others(shape),
        message=message,
        status=code if isinstance(code, int) and not isinstance(code, bool) else None,
        retry_delay=_retry_delay(shape),
        field=_field(shape),
    )


def error_details(body: object) -> list[Json]:
    """The `details` of a google.rpc.Status in a decoded body."""
    return [mapping(detail) for detail in items(mapping(mapping(_unwrapped(body)).get("error")).get("details"))]


def _unwrapped(body: object) -> object:
    if isinstance(body, list):
        return body[0] if body else None
    return body


def _bare_message(body: object) -> object:
    """Cohere's errors have a text under `message`, where its answers have an object."""
    message = mapping(body).get("message")
    return message if isinstance(message, str) else None


def _labels(error: Json) -> Iterator[str]:
    details = [mapping(detail) for detail in items(error.get("details"))]
    words = [error.get("type"), error.get("code"), error.get("status"), *(detail.get("reason") for detail in details)]
    return (word.lower() for word in words if isinstance(word, str))


def _lengths_of_others(error: Json) -> frozenset[str]:
    """OpenAI has one word for a prompt that is too long and for any other text that is, such as a name."""
    param = error.get("param")
    of_prompt = not isinstance(param, str) or param.endswith(("content", "text", "input"))
    return frozenset() if of_prompt else frozenset({"string_above_max_length"})


def _field(error: Json) -> str:
    """OpenAI's `param`, Gemini's first violation, or the path that a message begins with.

    Anthropic's are like `tools.0.name: ...`, Gemini's like `* GenerateContentRequest.contents: ...`.
    """
    details = [mapping(detail) for detail in items(error.get("details"))]
    violations = [mapping(one).get("field") for detail in details for one in items(detail.get("fieldViolations"))]
    lead = str(error.get("message") or "").partition(": ")[0].removeprefix(_GEMINIS)
    named = (error.get("param"), *violations, lead if lead in _MEMBERS or not lead.isidentifier() else None)
    return next((path for path in named if isinstance(path, str) and _is_path(path)), "")


def _is_path(text: str) -> bool:
    return len(text) <= _MOST_CHARACTERS and _PATH.fullmatch(text) is not None


def _retry_delay(error: Json) -> str:
    """`retryDelay` of a google.rpc.RetryInfo, such as `37s`."""
    for detail in map(mapping, items(error.get("details"))):
        if str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            return str(detail.get("retryDelay") or "")
    return ""
