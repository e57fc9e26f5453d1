"""What the documentation promises of each fault, as data: docs/failover.md and sections 3 to 5 of the design.

Nothing here is read from the code: a row that the gateway does not keep to is a fault of the gateway.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

type Then = Literal["next", "longer", "return", "serve"]
"""Who is asked next: anybody, only who reads more, nobody (the error is the caller's), or nobody (it answers)."""
type Effect = Literal["failure", "rest", "nothing"]
"""What the breaker makes of it: one more failure in a row, leave it alone until a given time, or nothing at all."""
type Bill = Literal["free", "counted", "unknown"]
"""What the provider takes for it: nothing, what it reported, or nobody knows: then the hold stays, unconfirmed.

A stream that nobody knows the bill of is charged an estimate at once, and holds nothing.
"""
type Position = Literal["first", "second", "all"]

GIVEN_UP_S = 200.0
"""How long a test waits for the next byte of an answer. Whoever waits for one of those below waits longer."""
ALONE_S = 250
"""What a limiting provider asks for: a patient gateway has the time, and is not to take it while others can serve."""


@dataclass(frozen=True)
class Fault:
    """One row: what the simulator plays (`whole` for an answer in one piece, `stream` for one in many), and the rest.

    `kind` is empty where the provider cannot be reached at all. `code` is the attempt's error code; `every` is the
    status and code that a caller gets whose candidates all have the fault. `of_choices` is what only OpenAI's wire can
    have: an answer of Claude's without content is an answer, Anthropic says, and in the streams of Gemini and DeepSeek
    end and bill come with the choice.
    """

    name: str
    kind: str
    code: str | None
    then: Then
    effect: Effect
    bill: Bill
    every: tuple[int, str | None]
    whole: dict[str, Any] = field(default_factory=dict)
    stream: dict[str, Any] = field(default_factory=dict)
    retry_after: int | None = None
    is_silent: bool = False
    of_choices: bool = False

    def __str__(self) -> str:
        return self.name


LATE = {"delay_ms": 3_600_000}
SOON = {"delay_ms": 150}
EARLY = {"after_chunks": 0}
_RESETS = (
    *(f"anthropic-ratelimit-{what}-reset" for what in ("requests", "tokens", "input-tokens", "output-tokens")),
    *(f"x-ratelimit-reset-{what}" for what in ("requests", "tokens")),
)
UNREPORTED = {"headers": dict.fromkeys(_RESETS, "")}
"""Nothing tells when to come back."""
DOWN = (503, "no_deployment_available")
LIMITED = (429, "rate_limited")
TOO_LATE = (504, "deadline_exceeded")
TOO_LONG = (400, "context_length_exceeded")
FILTERED = (400, "content_filtered")
ANSWERED = (200, None)
DEFAULT_RETRY_AFTER = 5

# fmt: off
FAULTS = (
    #     name                the simulator's     attempt's code             then      breaker    bill       all of them
    Fault("429-with-retry",   "rate_limit",       "rate_limited",            "next",   "rest",    "free",    LIMITED,
          whole={"retry_after": ALONE_S}, stream={"retry_after": ALONE_S}, retry_after=ALONE_S),
    Fault("429-without",      "rate_limit",       "rate_limited",            "next",   "failure", "free",    LIMITED,
          whole=UNREPORTED, stream=UNREPORTED, retry_after=DEFAULT_RETRY_AFTER),
    Fault("500",              "server_error",     "provider_error",          "next",   "failure", "free",    DOWN),
    Fault("503",              "unavailable",      "provider_error",          "next",   "failure", "free",    DOWN),
    Fault("refused",          "",                 "provider_error",          "next",   "failure", "free",    DOWN),
    Fault("reset",            "reset",            "provider_error",          "next",   "failure", "unknown", DOWN),
    Fault("timeout",          "timeout",          "timeout",                 "next",   "failure", "unknown", TOO_LATE,
          is_silent=True),
    Fault("slow-first-token", "slow_first_token", "timeout",                 "next",   "failure", "unknown", TOO_LATE,
          whole=LATE, stream=LATE, is_silent=True),
    Fault("slow-within",      "slow_first_token", None,                      "serve",  "nothing", "counted", ANSWERED,
          whole=SOON, stream=SOON),
    Fault("malformed",        "malformed",        "provider_error",          "next",   "failure", "unknown", DOWN,
          stream=EARLY),
    Fault("empty-choices",    "empty_choices",    "provider_error",          "next",   "failure", "counted", DOWN,
          of_choices=True),
    Fault("auth",             "auth",             "bad_credentials",         "next",   "failure", "free",    DOWN),
    Fault("retired",          "not_found",        "provider_error",          "next",   "failure", "free",    DOWN),
    Fault("content-filter",   "content_filter",   "content_filtered",        "return", "nothing", "free",    FILTERED),
    Fault("filtered-answer",  "content_filter",   "content_filtered",        "return", "nothing", "counted", FILTERED,
          whole={"as_error": False}),
    Fault("context-too-long", "context_length",   "context_length_exceeded", "longer", "nothing", "free",    TOO_LONG),
)
# fmt: on
PLAIN = next(fault for fault in FAULTS if fault.name == "500")
"""What the first candidate has where the second one is the case."""
POSITIONS: tuple[Position, ...] = ("first", "second", "all")


@dataclass(frozen=True)
class Candidate:
    """A model in the order in which it is tried, with its context window and USD per million tokens."""

    key: str
    provider: str
    upstream: str
    window: int
    input_usd: int
    output_usd: int


CHAT = (
    Candidate("claude-haiku-3.5", "anthropic", "claude-haiku-4-5", 200_000, 1, 5),
    Candidate("gpt-5.1-mini", "openai", "gpt-5.4-mini", 272_000, 2, 6),
    Candidate("gemini-flash", "gemini", "gemini-3.8-flash", 1_048_576, 3, 7),
)
CHOOSERS = (
    CHAT[1],
    Candidate("gpt-5.1", "openai", "gpt-5.1", 272_000, 4, 8),
    Candidate("gpt-nano", "openai", "gpt-5-nano", 272_000, 5, 9),
)
EMBEDDING = (
    Candidate("text-embedding-3-large", "openai", "text-embedding-3-large", 8191, 4, 0),
    Candidate("text-embedding-3-small", "openai", "text-embedding-3-small", 8191, 5, 0),
    Candidate("text-embedding-ada-002", "openai", "text-embedding-ada-002", 8191, 6, 0),
)
MODELS = (*CHAT, *CHOOSERS[1:], *EMBEDDING)


@dataclass(frozen=True)
class Expected:
    """What a caller gets, and each attempt with the fault that it met, None for a good answer."""

    status: int
    code: str | None
    attempts: tuple[tuple[Candidate, Fault | None], ...]

    @property
    def answered(self) -> Candidate | None:
        return self.attempts[-1][0] if self.code is None else None


def plagued(fault: Fault, position: Position, lineup: tuple[Candidate, ...]) -> dict[str, Fault]:
    """Which candidates have which fault, by model key."""
    if position == "all":
        return {candidate.key: fault for candidate in lineup}
    if position == "second":
        return {lineup[0].key: PLAIN, lineup[1].key: fault}
    return {lineup[0].key: fault}


def expected(fault: Fault, position: Position, lineup: tuple[Candidate, ...]) -> Expected:
    """The walk that the table promises."""
    faults = plagued(fault, position, lineup)
    attempts = tuple(_walk(faults, lineup))
    last = attempts[-1][1]
    if last is None or last.then == "serve":
        return Expected(200, None, attempts)
    return Expected(*fault.every, attempts)


def _walk(faults: dict[str, Fault], lineup: tuple[Candidate, ...]) -> Iterator[tuple[Candidate, Fault | None]]:
    rest = list(lineup)
    while rest:
        candidate = rest.pop(0)
        fault = faults.get(candidate.key)
        yield candidate, fault
        if fault is None or fault.then in ("serve", "return"):
            return
        if fault.then == "longer":
            rest = [other for other in rest if other.window > candidate.window]
