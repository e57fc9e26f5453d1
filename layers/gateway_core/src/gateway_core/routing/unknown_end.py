"""What is charged or held where nobody tells the bill: streams that ended early, whole answers that never came. Pure.

A stream that ends early (its caller left, its deadline passed, it stalled or broke) is charged, in tokens,

    max(reported, (input as counted + output delivered) x count_factor) + min(rest of the cap x n, rate x window)

* Images and tools count at their bound. An input that the provider reported is the input.
* `rate` is twice the stream's own tokens a second, as it may have become faster, but at least 50, as one that has said
  little need not be slow, and at most the model's `max_tokens_per_s`, for each of the `n` answers. A stream that has
  not shown its speed yet has that of its model.
* `window` is how long the provider may have written what did not arrive: the silence before the end, 2 s at most, as
  nobody holds back more than that, and `stop_lag_s` until it has seen that the connection is closed. Where it writes
  what no event shows (hidden reasoning, an answer that does not stream) it is all the time since the request was sent.

So the charge is at least what a provider counted that stops within `stop_lag_s`, makes at most `count_factor` tokens of
one, and becomes at most twice as fast; for others it is an estimate. It is never above the hold, and never below what
was reported. Source: docs/decisions/0020-streams-that-end-early-are-charged-at-once.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from gateway_core.domain.answer import Usage
from gateway_core.domain.catalog import Provider
from gateway_core.domain.chat import ProviderCall
from gateway_core.domain.cost import bound
from gateway_core.domain.prompt import countable
from gateway_core.routing.bounds import BoundedCandidate
from gateway_core.routing.estimate import Count, asked_tier, written_tokens

LEAST_TOKENS_PER_S = 50
MOST_SILENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class StoppedStream:
    """How a stream stood when it ended, in seconds after its request was sent.

    said: All that was delivered of the answer.
    sound_tokens: What of it is sound, by its length.
    reported: The provider's last word on its usage, None if it said nothing.
    first_s, last_s: When its first and its last content came, None without any.
    ended_s: When it ended.
    hides: Whether the provider may have written what no event shows.
    """

    said: str
    sound_tokens: int
    reported: Usage | None
    first_s: float | None
    last_s: float | None
    ended_s: float
    hides: bool


def charged_usage(
    stream: StoppedStream, count: Count, call: ProviderCall, bounded: BoundedCandidate, provider: Provider
) -> Usage:
    """What a stream is charged that ended early. May take a while for a long prompt."""
    reported, factor = stream.reported or Usage(), provider.count_factor
    written = factor * (written_tokens(count, call.deployment, stream.said) + stream.sound_tokens)
    delivered = max(reported.output_tokens, math.ceil(written))
    unseen = _unseen_tokens(stream, written, bounded, provider)
    output = min(bounded.most_output, delivered + unseen)
    sound = min(output, math.ceil(factor * stream.sound_tokens) + unseen) if bounded.terms.audio_output else 0
    return replace(
        reported,
        input_tokens=reported.input_tokens or _input_tokens(count, call, bounded, factor),
        output_tokens=max(reported.output_tokens, output),
        audio_output_tokens=max(reported.audio_output_tokens, sound),
        service_tier=reported.service_tier or asked_tier(call),
    )


def _input_tokens(count: Count, call: ProviderCall, bounded: BoundedCandidate, factor: float) -> int:
    """At most what is held for it."""
    prompt = countable(call.messages, call.params)
    counted = count(call.deployment, prompt.messages, prompt.params).input_tokens
    at_bound = prompt.images * bounded.model.max_image_tokens + prompt.tool_tokens
    return min(bounded.most_input, math.ceil(counted * factor) + at_bound)


def _unseen_tokens(stream: StoppedStream, written: float, bounded: BoundedCandidate, provider: Provider) -> int:
    silent_s = min(MOST_SILENCE_S, stream.ended_s - (stream.last_s or 0.0))
    window_s = (stream.ended_s if stream.hides else silent_s) + provider.stop_lag_s
    return math.ceil(_tokens_per_s(stream, written, bounded) * max(0.0, window_s))


def _tokens_per_s(stream: StoppedStream, written: float, bounded: BoundedCandidate) -> float:
    most = float(bounded.model.rules.max_tokens_per_s * bounded.terms.choices)
    if stream.first_s is None or stream.last_s is None or stream.last_s <= stream.first_s:
        return most
    return min(most, max(LEAST_TOKENS_PER_S, 2 * written / (stream.last_s - stream.first_s)))


def unconfirmed_bound(bounded: BoundedCandidate, provider: Provider, sent_for_s: float) -> tuple[int, int] | None:
    """The most, in nano-USD and tokens, that an answer in one piece costs which timed out or broke.

    None where that is all that is held: only of a provider that stops when nobody waits any more it is known that it
    cannot have written more than its model does in the `sent_for_s` seconds since the request was sent.
    """
    if not provider.stops_at_disconnect:
        return None
    rate = bounded.model.rules.max_tokens_per_s * bounded.terms.choices
    written = min(bounded.most_output, math.ceil(rate * (sent_for_s + provider.stop_lag_s)))
    most = bound(bounded.most_input, written, bounded.model.price, bounded.terms)
    return most, bounded.most_input + written
