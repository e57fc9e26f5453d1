"""What every wire of ours does: the chat form into a request, and what comes back into the chat form. Pure.

The chat form is OpenAI's: messages and options under OpenAI's names, whoever is asked. Beside the record of a wire
(`wire.Wire`), which knows ends, usage and errors, its codec knows content.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway_core.domain.answer import Chunk, ProviderAnswer
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.model_rules import ModelRules


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """What is sent: `path` below the base URL, the JSON body, and headers beside the key's.

    `dropped` are the caller's options that were left out, or changed to what the model takes, by the caller's names.
    """

    path: str
    body: Json
    dropped: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a model cannot serve a request: the field at fault, and a sentence without the model's name.

    The sentence goes on from the model's name: "cannot return log probabilities (logprobs)".
    """

    param: str
    detail: str


class EventReader(Protocol):
    """Reads the content out of one stream's events, in their order. One is made for each stream."""

    @property
    def called(self) -> bool:
        """Whether a tool call has begun."""
        ...

    def chunk(self, event: Json) -> Chunk:
        """Its content, or an empty chunk. Raises anything for an event that does not hold what it should."""
        ...

    def last(self) -> Chunk:
        """What is left to tell once the stream has come to a sound end, or an empty chunk."""
        ...


type Object = Callable[[Sequence[Json], Json, ModelRules], Objection | None]
"""Of messages, params and rules: why such a model cannot serve the request on this wire, None if it can. Cheap."""


def no_objection(_messages: Sequence[Json], _params: Json, _rules: ModelRules) -> Objection | None:
    """Of a wire that can say whatever its `cannot` does not name."""
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """A wire's way there and back.

    request: The request for a call, streamed or not. Never raises for what `cannot` and `objection` let through.
    answer: The content of a whole, sound body. How it ended and what it used come from the wire's record, unless the
        answer's own `finish_reason` is set. Raises anything for a body that does not hold what it should.
    reader: A reader for the events of a call's stream.
    cannot: The demands (`demands.DEMANDS`) that the wire cannot meet, whichever model is asked.
    objection: What else it cannot say.
    """

    request: Callable[[ProviderCall, bool], UpstreamRequest]
    answer: Callable[[ProviderCall, object], ProviderAnswer]
    reader: Callable[[ProviderCall], EventReader]
    cannot: frozenset[str] = frozenset()
    objection: Object = no_objection
