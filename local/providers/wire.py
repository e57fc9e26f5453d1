"""What a provider's wire format has to offer the service, and what all of them share in rendering."""

from __future__ import annotations

import abc
import json
import math
from collections.abc import Iterator
from typing import Any, ClassVar

from local.providers.model import Failure, Frame, Generation, Json, Prompt, Reply, Request, Stamp

REJECTED_KEY = "invalid"
"""A key that contains this word is refused, every other one accepted."""


class Wire(abc.ABC):
    """One operation of one provider: reads requests, renders answers, failures and streams.

    `endpoint` is chat, embeddings, models, count_tokens or costs. `blocks_in_band` is true where a refused prompt is a
    200 that says so. `stream_type` is the content type of a stream, `garbage` what is no event there.
    """

    provider: ClassVar[str]
    endpoint: ClassVar[str] = "chat"
    blocks_in_band: ClassVar[bool] = False
    stream_type: ClassVar[str] = "text/event-stream; charset=utf-8"
    garbage: ClassVar[bytes] = b'data: {"id": "broken\n\n'

    @abc.abstractmethod
    def check_credentials(self, request: Request) -> None:
        """Raises Refused."""

    @abc.abstractmethod
    def read(self, request: Request) -> Prompt:
        """Validate. Raises Refused; any other error of a body that has the wrong types becomes a plain refusal."""

    @abc.abstractmethod
    def whole(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Json:
        """The body of a whole answer."""

    def frames(self, prompt: Prompt, generation: Generation, stamp: Stamp) -> Iterator[Frame]:
        """A stream, from its first event to its terminator; operations that never stream have just the one."""
        yield Frame(dumps(self.whole(prompt, generation, stamp)))

    @abc.abstractmethod
    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        """Headers of a good answer."""

    @abc.abstractmethod
    def failure(self, failure: Failure) -> Reply:
        """An error as the whole answer."""

    @abc.abstractmethod
    def in_band(self, failure: Failure) -> bytes:
        """The failure as it shows in a stream that has begun."""

    def failed(self, failure: Failure, prompt: Prompt, stamp: Stamp) -> bytes:  # noqa: ARG002 - for those that need it
        """The same as the end of the answer, where a wire can say that its answer has failed."""
        return self.in_band(failure)


def dumps(value: Any) -> bytes:
    """Compact JSON in UTF-8, as the providers send it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")


def json_reply(status: int, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, dumps(body), headers)


def whole_seconds(seconds: float) -> str:
    """Seconds for a Retry-After header, rounded up."""
    return str(math.ceil(seconds))


def model_of(body: Any) -> str:
    """The model that a body names, or "" where it names none."""
    model = body.get("model") if isinstance(body, dict) else None
    return model if isinstance(model, str) else ""
