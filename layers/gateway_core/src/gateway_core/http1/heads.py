"""The head of an answer, read strictly (RFC 9112, sections 4 to 6). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from gateway_core.http1.errors import MalformedAnswer

_TEXT = r"[^\x00-\x08\x0a-\x1f\x7f]*"
_FIELD = rf"[!#$%&'*+.^_`|~0-9A-Za-z-]+:{_TEXT}"
_HEAD = re.compile(rf"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: {_TEXT})?((?:\r\n{_FIELD})*)")
_FIELDS = re.compile(rf"{_FIELD}(?:\r\n{_FIELD})*")
_PARTS = re.compile(r"\r\n([^:]+):[ \t]*((?:[^\r]*[^\r \t])?)")
"""Name and value of each field of a head that was found to be one."""
_LENGTH = re.compile(r"[0-9]{1,15}")
_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

CHUNKED, UNTIL_CLOSE = -1, -2


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers, names in lower case; what came several times is joined by commas.

    `length` is the body's in bytes, or CHUNKED or UNTIL_CLOSE.
    """

    status: int
    headers: Mapping[str, str]
    length: int
    keeps_alive: bool


def parse_head(block: bytes) -> Head:
    """The head without the empty line behind it. Raises MalformedAnswer."""
    found = _HEAD.fullmatch(block.decode("latin-1"))
    if found is None:
        raise MalformedAnswer("no head of an answer")
    minor, status, fields = found.groups()
    headers = _joined(_PARTS.findall(fields))
    length = _length(int(status), headers, old=minor == "0")
    keeps_alive = minor == "1" and length != UNTIL_CLOSE and "close" not in headers.get("connection", "").lower()
    return Head(int(status), headers, length, keeps_alive)


def _joined(parts: list[tuple[str, str]]) -> dict[str, str]:
    headers = {name.lower(): value for name, value in parts}
    if len(headers) == len(parts):
        return headers
    lists: dict[str, list[str]] = {}
    for name, value in parts:
        lists.setdefault(name.lower(), []).append(value)
    return {name: ", ".join(values) for name, values in lists.items()}


def check_fields(block: bytes) -> None:
    """Trailers, of which nothing is read. Raises MalformedAnswer."""
    if not _FIELDS.fullmatch(block.decode("latin-1")):
        raise MalformedAnswer("no trailers of an answer")


def _length(status: int, headers: Mapping[str, str], *, old: bool) -> int:
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if old or length is not None or coding.lower() != "chunked":
            raise MalformedAnswer("where the answer ends is open to doubt")
        found = CHUNKED
    elif length is not None:
        found = int(length) if _LENGTH.fullmatch(length) else _agreed(length)
    else:
        found = UNTIL_CLOSE
    return 0 if status in _BODILESS else found


def _agreed(length: str) -> int:
    """One that was sent several times. Raises MalformedAnswer."""
    one, *others = {part.strip(" \t") for part in length.split(",")}
    if others or not _LENGTH.fullmatch(one):
        raise MalformedAnswer("where the answer ends is open to doubt")
    return int(one)
