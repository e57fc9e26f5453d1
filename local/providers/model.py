"""The values between reading a request and rendering its answer, the same for all wire formats."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

type Json = dict[str, Any]
type Finish = Literal["stop", "length", "tool_calls", "content_filter", "blocked", "empty"]
"""`blocked`: the prompt itself was refused in-band (Gemini). `empty`: an answer without any choice."""


@dataclass(frozen=True, slots=True)
class Request:
    """What came in. `body` is the decoded JSON, or None if there was none that could be decoded."""

    method: str
    path: str
    query: Mapping[str, str]
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole HTTP answer."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the model may call; `schema` is the JSON schema of its arguments."""

    name: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Prompt:
    """A validated request. `schema` asks for JSON: {} for any object, None for plain text.

    `forced` names the tool that must be called ("*" for any). `answered` is true when the last message is a tool's
    result, so that a tool directive in an earlier message is not obeyed twice.
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


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one answer. `input` is the whole input, `output` includes `reasoning`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Generation:
    """What the model says, as tokens, and what it costs. Wire formats only render it."""

    text: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    finish: Finish = "stop"
    stop_sequence: str | None = None
    tokens: Tokens = field(default_factory=Tokens)

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

    `retry_after` is in seconds. `message` replaces the provider's usual text, `status` its usual status.
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
    ) -> None:
        super().__init__(message)
        self.failure = Failure(kind, model, message, param=param, code=code)
