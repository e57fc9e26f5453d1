"""Whole bodies of answers from servers that nobody here vouches for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from gateway_core.http1.errors import UnwantedAnswer


class Readable(Protocol):
    """An answer whose body is still to be read."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    async def read(self) -> bytes: ...


async def whole_body(answer: Readable, most_bytes: int) -> bytes:
    """The body as it was asked for: as it is, and of at most so many bytes. Raises HttpError, UnwantedAnswer."""
    if answer.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnwantedAnswer("the answer is compressed, which was not asked for")
    body = bytearray()
    while piece := await answer.read():
        body += piece
        if len(body) > most_bytes:
            raise UnwantedAnswer("the answer is longer than allowed")
    return bytes(body)
