"""The shapes of providers' errors. One reader for all: proxies answer in the shape of whatever stands behind them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway_core.domain.chat import Json
from gateway_core.wires.fields import field_at_fault
from gateway_core.wires.shapes import items, mapping


@dataclass(frozen=True, slots=True)
class WireError:
    """A provider's error. `labels` are its machine words (type, code, status, reasons), lower case.

    `param` is the field that it finds at fault, by the caller's name for it; empty where it names none.
    """

    labels: frozenset[str]
    message: str
    status: int | None = None
    retry_delay: str = ""
    param: str = ""


def error_of(body: object) -> WireError | None:
    """The error in a decoded body, or None. Gemini may wrap it in a list; DeepSeek and proxies may send a bare text."""
    body = _unwrapped(body)
    error = mapping(body).get("error") or _bare_message(body)
    if isinstance(error, str) and error:
        return WireError(labels=frozenset(), message=error, param=field_at_fault(None, error))
    if not mapping(error):
        return None
    shape = mapping(error)
    code, message = shape.get("code"), str(shape.get("message") or "")
    return WireError(
        labels=frozenset(_labels(shape)) - _lengths_of_others(shape),
        message=message,
        status=code if isinstance(code, int) and not isinstance(code, bool) else None,
        retry_delay=_retry_delay(shape),
        param=field_at_fault(shape.get("param"), message),
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


def _retry_delay(error: Json) -> str:
    """`retryDelay` of a google.rpc.RetryInfo, such as `37s`."""
    for detail in map(mapping, items(error.get("details"))):
        if str(detail.get("@type", "")).endswith("google.rpc.RetryInfo"):
            return str(detail.get("retryDelay") or "")
    return ""
