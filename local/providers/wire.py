"""What a provider's wire format has to offer the service, and what all of them share in rendering."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Protocol

from local.providers.model import Failure, Frame, Generation, Json, Prompt, Reply, Request, Stamp

REJECTED_KEY = "invalid"
"""A key that contains this word is refused, every other one accepted."""


class Wire(Protocol):
    """One operation of one provider: reads requests, renders answers, failures and streams."""

    provider: str
    endpoint: str
    blocks_in_band: bool
    """True where a refused prompt is a 200 that says so."""

    def refusal(self, request: Request, number: int) -> Reply | None:
        """The answer to a request whose credentials do not do, None if they do."""
        ...

    def read(self, request: Request, number: int) -> Prompt:
        """Validate. Raises Refused."""
        ...

    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json: ...

    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]: ...

    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        """Headers of a good answer."""
        ...

    def failure(self, failure: Failure) -> Reply: ...

    def in_band(self, failure: Failure) -> bytes:
        """The failure as it shows in a stream that has begun."""
        ...


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8, as the providers send it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def json_reply(status: int, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, dumps(body), headers)


def model_of(body: Any) -> str:
    """The model that a body names, or "" where it names none."""
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else ""
