"""The values between reading a request and rendering its answer, the same for all wire formats."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

type Json = dict[str, Any]
type Finish = Literal["stop", "length", "tool_calls", "content_filter", "blocked", "empty", "pause"]
"""`blocked`: the prompt itself was refused in-band (Gemini). `empty`: an answer without any choice. `pause`: the turn
is to be continued (Anthropic's pause_turn; an ordinary end elsewhere).
"""
type ToolKind = Literal["function", "custom", "legacy"]
"""`custom`: free text instead of arguments. `legacy`: OpenAI's `functions` of 2023."""


@dataclass(frozen=True, slots=True)
class Request:
    """What came in. `body` is the decoded JSON of `content`, or None if there was none that could be decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `schema` is the JSON schema of its arguments.

    `namespace` is the group that it stands in, where the wire has such groups.
    """

    name: str
    schema: Json
    kind: ToolKind = "function"
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A call that the prompt asks for; `arguments` is JSON, free text, or "" for some that fit the schema."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Script:
    """The message that has the directives, "" for none, and the call that is next (see `script`)."""

    text: str = ""
    step: Step | None = None


@dataclass(frozen=True, slots=True)
class Prefix:
    """A beginning of a prompt that a cache may hold: its digest, its tokens, and for how long it is to be kept.

    `ttl_s` is 0 where no breakpoint ends it.
    """

    digest: str
    tokens: int
    ttl_s: int = 0


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens that were read from the prompt cache, and written to it for five minutes and for an hour."""

    read: int = 0
    write_5m: int = 0
    write_1h: int = 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """A validated request. `schema` asks for JSON: {} for any object, None for plain text.

    `forced` names the tool that must be called ("*" for any). `answered` is true when the last message is a tool's
    result, so that a tool directive in an earlier message is not obeyed twice. `prefixes` are the prompt's beginnings,
    block by block, where the caller may mark some for the cache, and `cache_minimum` the tokens below which none is
    kept. `choices` is how many answers are asked for, `predicted` the text that the caller expects. With `speaks` the
    answer is spoken; `audio_tokens` of the input are sound. `script` is what leads an agent's conversation.
    """

    model: str
    user_text: str = ""
    input_tokens: int = 0
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    forced: str | None = None
    schema: Json | None = None
    stream: bool = False
    include_usage: bool = False
    thinking: bool = False
    answered: bool = False
    body: Json = field(default_factory=dict)
    prefixes: tuple[Prefix, ...] = ()
    cache_minimum: int = 0
    choices: int = 1
    predicted: str | None = None
    speaks: bool = False
    audio_tokens: int = 0
    script: Script = field(default_factory=Script)

    @property
    def directives(self) -> str:
        """The text whose directives hold: of a script, until the user gives others."""
        return self.script.text if "[[" not in self.user_text else self.user_text


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one answer. `input` is the whole input, `output` includes `reasoning` and `rejected`.

    `cache_write` includes `cache_write_1h`. `accepted` and `rejected` are the tokens of a prediction.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    cache_write_1h: int = 0
    accepted: int = 0
    rejected: int = 0
    audio_input: int = 0
    audio_output: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output

    def times(self, factor: float) -> Tokens:
        """As a tokeniser counts that makes so many of each, rounded up."""
        return Tokens(*(math.ceil(getattr(self, one.name) * factor) for one in fields(self)))


@dataclass(frozen=True, slots=True)
class ToolCall:
    """`arguments` is JSON, or the free text of a custom tool; empty where the model left them out."""

    name: str
    arguments: str
    kind: ToolKind = "function"
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """What the model says, as tokens, and what it costs. Wire formats only render it.

    With `refused` the text is a refusal. `choices` is how often it is said, `quirks` how oddly (see `quirks`).
    """

    text: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    stop_sequence: str | None = None
    tokens: Tokens = field(default_factory=Tokens)
    refused: bool = False
    choices: int = 1
    quirks: frozenset[str] = frozenset()

    @property
    def said(self) -> str:
        return "".join(self.text)

    @property
    def thought(self) -> str:
        return "".join(self.reasoning)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What makes one answer's identifiers: the call's number, and the time in whole seconds."""

    number: int
    created: int

    def hex(self, length: int, salt: str = "") -> str:
        """Deterministic identifier characters, up to 64."""
        return hashlib.sha256(f"{salt}:{self.number}".encode()).hexdigest()[:length]


@dataclass(frozen=True, slots=True)
class Frame:
    """One write of a stream and the output tokens in it; a frame without tokens is bookkeeping."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong, for a provider to put into its own words.

    `retry_after` is in seconds. `message` replaces the provider's usual text, `status` its usual status. `fields` are
    places in the request with what is wrong there, for providers that list them. `sent` is how many events of a stream
    went out before.
    """

    kind: str
    model: str = ""
    message: str | None = None
    status: int | None = None
    retry_after: float | None = None
    param: str | None = None
    code: str | None = None
    input_tokens: int = 0
    limit: int = 200_000
    number: int = 0
    now_s: int = 0
    fields: tuple[tuple[str, str], ...] = ()
    sent: int = 0


class Refused(Exception):
    """The request is answered with this failure, in the provider's own words."""

    def __init__(
        self,
        message: str | None,
        *,
        kind: str = "invalid",
        model: str = "",
        param: str | None = None,
        code: str | None = None,
        fields: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.failure = Failure(kind, model, message, param=param, code=code, fields=fields)
