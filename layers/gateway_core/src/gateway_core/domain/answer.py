"""What models answer, whole and in pieces, what it used and what it costs: frozen values.

Units are in the names: `_nano` nano-USD (1e-9 USD, an int). Token counts are ints.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway_core.domain.chat import Json
from gateway_core.domain.rates import RateView


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call: `id` and `name` come with its first piece, `arguments` grow piece by piece.

    `custom` as in `ToolCall`, with each piece.
    """

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""
    custom: bool = False


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a streamed answer, normalised. The last piece has the finish reason; the latest usage holds.

    `is_bill` is false where that usage was reported before all was said, so that the bill may be higher.
    The first piece has `rates`, what the provider says of its limits, if it does. `refusal` is what a model says when
    it declines. `forwarded` are the provider's own events, for a caller on the provider's wire: they hold
    what the other fields cannot (`other`, such as sound). `beside` is what they say in none of the other fields, as in
    further answers, and `sound_tokens` what their sound counts, by its length.
    """

    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    reasoning: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None
    is_bill: bool = True
    dropped_params: tuple[str, ...] = ()
    rates: RateView | None = field(default=None, compare=False)
    refusal: str = ""
    other: bool = False
    beside: str = ""
    sound_tokens: int = 0
    forwarded: tuple[Json, ...] = ()

    @property
    def is_content(self) -> bool:
        """Whether the caller sees any of it: after such a chunk nobody else can answer the request."""
        said = self.text or self.tool_calls or self.reasoning or self.refusal
        return bool(said or self.other or self.beside)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer. `input_tokens` is the whole input, cached parts included; output includes reasoning.

    Audio tokens are parts of the two, those written for an hour part of all that were written to the cache.
    `service_tier` is where the provider says that it served the answer, empty if by default or if it says nothing.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_input_tokens: int = 0
    audio_output_tokens: int = 0
    service_tier: str = ""

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    @property
    def is_bill(self) -> bool:
        """Whether it can be what an answer cost that says something: some report zeros for what they do not know."""
        return self.input_tokens > 0 and self.output_tokens > 0

    def with_sound(self, tokens: int) -> Usage:
        """The same with so many tokens of sound in the output."""
        output, sound = self.output_tokens + tokens, self.audio_output_tokens + tokens
        return replace(self, output_tokens=output, audio_output_tokens=sound)

    def at_least(self, counted: Usage) -> Usage:
        """The larger of both, for input and output apart; what is cached or reasoning only the provider knows."""
        return replace(
            self,
            input_tokens=max(self.input_tokens, counted.input_tokens),
            output_tokens=max(self.output_tokens, counted.output_tokens),
            audio_output_tokens=max(self.audio_output_tokens, counted.audio_output_tokens),
            service_tier=self.service_tier or counted.service_tier,
        )

    def __add__(self, other: Usage) -> Usage:
        """Of both; the tier is the last that was named, as a sum is not priced."""
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_input_tokens + other.cached_input_tokens,
            self.cache_write_tokens + other.cache_write_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.cache_write_1h_tokens + other.cache_write_1h_tokens,
            self.audio_input_tokens + other.audio_input_tokens,
            self.audio_output_tokens + other.audio_output_tokens,
            other.service_tier or self.service_tier,
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request costs. The total is rounded once; the parts add up to it.

    `estimated_nano` is how much of it is an estimate, as nobody told what the provider bills.
    """

    input_nano: int
    output_nano: int
    price_source: str
    estimated_nano: int = 0

    @property
    def total_nano(self) -> int:
        return self.input_nano + self.output_nano


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is JSON text, as the provider sent it.

    custom: Whether it calls a custom tool of OpenAI's: its `arguments` are a text of any form.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """A whole answer of a provider, normalised. `finish_reason` is OpenAI's vocabulary.

    `confidence`, from 0 to 1, is the provider's own where it gives one, else the mean probability of the answer's
    tokens where it gives those. `refusal` is what a model says when it declines. `forwarded` is the provider's own
    body, for a caller on the provider's wire; `beside` is what that says in none of the other fields, such as further
    answers, and `sound_tokens` what its sound counts, by its length.
    """

    content: str
    tool_calls: tuple[ToolCall, ...]
    finish_reason: str
    usage: Usage
    dropped_params: tuple[str, ...] = ()
    reasoning: str = ""
    rates: RateView | None = field(default=None, compare=False)
    confidence: float | None = None
    refusal: str = ""
    forwarded: Json | None = None
    beside: str = ""
    sound_tokens: int = 0

    @property
    def says_something(self) -> bool:
        """Whether there is anything in it for the caller."""
        said = self.content or self.tool_calls or self.refusal or self.reasoning or self.beside
        return bool(said or self.sound_tokens)

    @property
    def everything(self) -> str:
        """All that the model wrote, as one text."""
        calls = (call.name + call.arguments for call in self.tool_calls)
        return "".join([self.content, self.reasoning, self.refusal, *calls, self.beside])

    @property
    def text(self) -> str:
        """What it says, for who does not tell refusals apart."""
        return self.content or self.refusal


@dataclass(frozen=True, slots=True)
class TokenCount:
    """How many tokens a prompt has; `method` names the tokeniser, or what stood in for it."""

    input_tokens: int
    method: str
