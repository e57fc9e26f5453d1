"""The record of a wire: everything that differs between the formats in which providers answer.

Readers take decoded JSON of any shape and never raise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.errors import WireError, error_of

type Reason = Literal["too_long", "filtered", "bad_key", "no_credit", "gone", "unusable"]
"""Why a request was refused, where its HTTP status does not tell; looked for in this order."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What one event of a stream tells beside its content; empty is nothing.

    finish: Why the answer ended, as `Wire.finish_of` says it.
    usage: Counts in the shape that `Wire.usage_of` reads. They replace and add to earlier ones.
    error: An error in the shape of a body that is one, where the event itself does not have that shape.
    """

    finish: str = ""
    usage: Json = field(default_factory=dict)
    error: Json = field(default_factory=dict)


NO_FACTS = EventFacts()
"""Of most events."""


@dataclass(frozen=True, slots=True)
class StreamForm:
    """How an answer comes as server-sent events.

    facts_of: What a decoded event tells.
    terminators: The `type` of the events that end a stream, or the bare word that does. Empty: it ends without a word,
        so that its finish reason is the end, after which usage may still come.
    stop_may_call: Whether `stop` is also how an answer ends that called a tool in an earlier event.
    is_lax: Whether servers speak it that leave out the finish reason before the last word, or that word behind it:
        either alone is the end of an answer whose body has come to its end.
    """

    facts_of: Callable[[Json], EventFacts]
    terminators: frozenset[str]
    stop_may_call: bool = False
    is_lax: bool = False

    @property
    def ends_with_a_word(self) -> bool:
        return bool(self.terminators)

    def terminator_of(self, event: Json, finish: str) -> str:
        """What ends the stream by now, this event or that the answer has this finish reason; empty if nothing does."""
        kind = str(event.get("type"))
        return (kind if kind in self.terminators else "") if self.terminators else finish


@dataclass(frozen=True, slots=True)
class ErrorSign:
    """What in an error stands for a reason: machine words in lower case, or prose (regular expressions, any case)."""

    reason: Reason
    labels: frozenset[str] = frozenset()
    prose: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitHeaders:
    """Response headers that tell of rate limits, in lower case; `{}` stands for `limit`, `remaining` or `reset`.

    prefix: What all of them begin with.
    requests, tokens: One name for each limit of that kind.
    no_period: Limits of requests in a time that is not told.
    """

    prefix: str
    requests: tuple[str, ...]
    tokens: tuple[str, ...]
    no_period: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExhaustedLimit:
    """A limit that an error's body says is used up. `per_minute` is its size as sent, empty if it counts otherwise."""

    is_tokens: bool
    per_minute: str = ""


@dataclass(frozen=True, slots=True)
class ModelsEndpoint:
    """Where a provider lists its models, how it wants the key, and where its answer has them.

    path: Below the provider's base URL, with the longest page that it allows.
    key_header, key_prefix: The header of the key, and what stands before it there.
    entries, name: The field with the list, and the field of an entry with the model's name.
    more: The field that is true, or not empty, where the list goes on.
    host: What of the base URL is another for the list, and what it is there.
    names_all: Whether every model is called by a name of the list.
    """

    path: str
    key_header: str
    entries: str
    name: str
    more: str = ""
    key_prefix: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    host: tuple[str, str] = ("", "")
    names_all: bool = True

    def url(self, base: str) -> str:
        """Where the list is, for a provider at this base URL."""
        return base.replace(*self.host, 1) + self.path


@dataclass(frozen=True, slots=True)
class Image:
    """What of an image decides how many tokens it counts: its size in pixels, at least one each, and its detail."""

    width: int
    height: int
    low_detail: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Wire:
    """A format in which providers answer. There is one record for each: they are compared by identity.

    finish_of: Why a whole answer ended, see `finish`.
    usage_of: The usage in a decoded body, or a stream's last; None if it is missing or is not one.
    models: Where its providers list their models.
    stream: How its streams are read. None: they are not; its answers come whole, in one piece.
    error_of: The error in a decoded body, or None.
    error_signs, error_statuses: What its errors say by their words: reasons, and for errors that come with status 200
        the status that they stand for.
    refusal_of: What a model says when it declines, where that is kept apart from the content.
    limit_headers, exhausted_of: What it tells of rate limits, in headers and in the bodies of errors.
    cannot_carry: Options by OpenAI's names for which it has no field, whichever model is asked.
    input_includes_cached: Whether its count of the input includes what was read from a cache.
    """

    name: str
    finish_of: Callable[[object], str]
    usage_of: Callable[[object], Usage | None]
    models: ModelsEndpoint
    stream: StreamForm | None = None
    error_of: Callable[[object], WireError | None] = error_of
    error_signs: tuple[ErrorSign, ...] = ()
    error_statuses: Mapping[str, int] = field(default_factory=dict)
    refusal_of: Callable[[object], str] = lambda _: ""
    limit_headers: LimitHeaders | None = None
    exhausted_of: Callable[[object], list[ExhaustedLimit]] = lambda _: []
    cannot_carry: frozenset[str] = frozenset()
    input_includes_cached: bool = True
