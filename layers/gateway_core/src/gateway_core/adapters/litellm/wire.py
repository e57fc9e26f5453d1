"""The wire formats that providers speak, and the shapes of their errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gateway_core.domain.chat import Deployment, Json

type Wire = Literal["anthropic", "cohere", "embeddings", "gemini", "ollama", "openai", "responses"]

WHOLE_WIRES: frozenset[Wire] = frozenset({"cohere", "ollama"})
"""Their streams are not read: a stream from them is their whole answer, in one piece."""
_LIBRARY_NAMES = {"ollama": "ollama_chat", "cohere": "cohere_chat"}


def wire_of(deployment: Deployment) -> Wire:
    """The format that a deployment answers in; providers that LiteLLM knows besides speak OpenAI's."""
    if deployment.mode == "responses":
        return "responses"
    if deployment.mode == "embedding":
        return "embeddings"
    match deployment.provider:
        case "anthropic" | "cohere" | "gemini" | "ollama" as name:
            return name
        case _:
            return "openai"


def library_name(deployment: Deployment) -> str:
    """The provider's name in LiteLLM, where the plain one means an older API of two."""
    return _LIBRARY_NAMES.get(deployment.provider, deployment.provider)


@dataclass(frozen=True, slots=True)
class WireError:
    """A provider's error. `labels` are its machine words (type, code, status, reasons), lower case."""

    labels: frozenset[str]
    message: str
    status: int | None = None
    retry_delay: str = ""


def mapping(value: object) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> list[Any]:
    """`value` if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def error_of(body: object) -> WireError | None:
    """The error in a decoded body, or None. Gemini may wrap it in a list; DeepSeek and proxies may send a bare text."""
    body = _unwrapped(body)
    error = mapping(body).get("error") or _cohere_error(body)
    if isinstance(error, str) and error:
        return WireError(labels=frozenset(), message=error)
    if not mapping(error):
        return None
    shape = mapping(error)
    code = shape.get("code")
    return WireError(
        labels=frozenset(_labels(shape)),
        message=str(shape.get("message") or ""),
        status=code if isinstance(code, int) and not isinstance(code, bool) else None,
        retry_delay=_retry_delay(shape),
    )


def error_details(body: object) -> list[Json]:
    """The `details` of a google.rpc.Status in a decoded body."""
    return [mapping(detail) for detail in items(mapping(mapping(_unwrapped(body)).get("error")).get("details"))]


def _unwrapped(body: object) -> object:
    if isinstance(body, list):
        return body[0] if body else None
    return body


def _cohere_error(body: object) -> object:
    """Cohere's errors have a text under `message`, where its answers have an object."""
    message = mapping(body).get("message")
    return message if isinstance(message, str) else None


def _labels(error: Json) -> Iterator[str]:
    details = [mapping(detail) for detail in items(error.get("details"))]
    words = [error.get("type"), error.get("code"), error.get("status"), *(detail.get("reason") for detail in details)]
    return (word.lower() for word in words if isinstance(word, str))


def _retry_delay(error: Json) -> str:
    """`retryDelay` of a google.rpc.RetryInfo, such as `37s`."""
    for detail in map(mapping, items(error.get("details"))):
        if str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            return str(detail.get("retryDelay") or "")
    return ""
