"""What tokens cost: the bound that is held for an attempt and the bill for an answer, by the same function.

Rates are Decimal nano-USD per token, sums are exact, and the total is rounded once, half to even, to whole nano-USD.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.prices import Price, PriceTier
from gateway_core.domain.terms import PLAIN, STANDARD_TIERS, Terms

NANO_PER_USD = 1_000_000_000

# Token counts have 16 digits at most, rates far fewer than 40: no product or sum is cut.
_EXACT = Context(prec=60)

type Rates = Price | PriceTier


def price(usage: Usage, listed: Price, *, input_includes_cached: bool) -> Cost:
    """The bill for `usage` at the rates of `listed`. Raises ValueError for a negative token count.

    Each part of the input costs its own rate: audio, what was written to the cache for an hour and for minutes, what
    was read from it, and the rest. Output (reasoning included) costs the output rate, audio in it its own. Which audio
    was cached nobody says, so text is taken to have been cached first, and audio costs the rate of audio.
    The whole input selects the tier, and the tier's rates then hold for all of it, as the providers bill.
    The service tier that the provider names selects the price; one that is not listed costs what the dearest does.
    The total is rounded once, the input part is rounded, and the output part is the difference of the two.

    `usage.input_tokens` is the whole input, always. `input_includes_cached` says how that number came about, and so
    who is wrong when the cached parts are larger than the whole, which cannot be:

    * True: the provider reports the whole (OpenAI, Gemini, DeepSeek). Then its parts are billed and nothing else.
    * False: the provider reports the uncached part (Anthropic) and the adapter adds the others. Then it forgot to,
      `input_tokens` is the uncached part, and the parts are billed on top.

    In every other case both conventions give the same bill, so cached tokens are never counted twice.
    """
    whole = _whole_input(usage, input_includes_cached=input_includes_cached)
    return max((_bill(usage, whole, one) for one in _billable(listed, usage.service_tier)), key=_total)


def bound(input_tokens: int, output_tokens: int, listed: Price, terms: Terms = PLAIN) -> int:
    """The most, in nano-USD, that an attempt with at most these tokens can cost under `terms`: what is held for it.

    `output_tokens` is the output cap, reasoning included, times the number of answers asked for. Within a tier the
    bill is linear in the tokens, so the dearest usage is a corner: the longest input of one of the reachable tiers,
    all of it of the kind that costs most there. Every corner is rounded as a bill is, at each service tier that may
    serve the request.
    """
    return max(
        _most(whole, output_tokens, rates_at(one, whole), terms)
        for one in _servable(listed, terms.service_tier)
        for whole in _longest_inputs(one, input_tokens)
    )


def rates_at(listed: Price, whole_input: int) -> Rates:
    """The rates for an input that is so many tokens long."""
    reached = [tier for tier in listed.tiers if whole_input > tier.above_tokens]
    return max(reached, key=lambda tier: tier.above_tokens, default=listed)


def usd(nano: int) -> str:
    """Nano-USD as decimal USD without exponent or trailing zeros: 117000 -> '0.000117', 0 -> '0'."""
    whole, fraction = divmod(abs(nano), NANO_PER_USD)
    digits = f"{whole}.{fraction:09d}".rstrip("0").rstrip(".")
    return f"-{digits}" if nano < 0 else digits


def _billable(listed: Price, service_tier: str) -> Iterable[Price]:
    """The prices of which the dearest is billed for an answer that names this service tier."""
    if service_tier in STANDARD_TIERS:
        return (listed,)
    found = listed.service_tiers.get(service_tier)
    return (found,) if found else (listed, *listed.service_tiers.values())


def _servable(listed: Price, asked: str) -> Iterable[Price]:
    """The prices of the service tiers that may serve who asks for this one: it, and the default in its place.

    `auto` and a tier that is not listed may be any.
    """
    if asked in STANDARD_TIERS:
        return (listed,)
    found = listed.service_tiers.get(asked)
    return (listed, found) if found else (listed, *listed.service_tiers.values())


def _bill(usage: Usage, whole: int, listed: Price) -> Cost:
    rates = rates_at(listed, whole)
    with localcontext(_EXACT):
        input_nano = _input_nano(usage, whole, rates)
        rounded = _round(input_nano)
        return Cost(rounded, _round(input_nano + _output_nano(usage, rates)) - rounded, listed.source)


def _input_nano(usage: Usage, whole: int, rates: Rates) -> Decimal:
    audio = 0 if rates.audio_input is None else min(usage.audio_input_tokens, whole)
    text = whole - audio
    written = min(usage.cache_write_tokens, text)
    cached = min(usage.cached_input_tokens, text - written)
    for_an_hour = min(usage.cache_write_1h_tokens, written)
    return (
        (text - written - cached) * rates.input
        + cached * rates.cached_input
        + (written - for_an_hour) * rates.cache_write
        + for_an_hour * _hour_rate(rates)
        + audio * (rates.audio_input or 0)
    )


def _output_nano(usage: Usage, rates: Rates) -> Decimal:
    audio = 0 if rates.audio_output is None else min(usage.audio_output_tokens, usage.output_tokens)
    return (usage.output_tokens - audio) * rates.output + audio * (rates.audio_output or 0)


def _hour_rate(rates: Rates) -> Decimal:
    return rates.cache_write if rates.cache_write_1h is None else rates.cache_write_1h


def _whole_input(usage: Usage, *, input_includes_cached: bool) -> int:
    counts = (
        *(usage.input_tokens, usage.output_tokens, usage.cached_input_tokens, usage.cache_write_tokens),
        *(usage.cache_write_1h_tokens, usage.audio_input_tokens, usage.audio_output_tokens),
    )
    if min(counts) < 0:
        raise ValueError(f"token counts cannot be negative: {usage}")
    parts = usage.cached_input_tokens + usage.cache_write_tokens
    if usage.input_tokens >= parts:
        return usage.input_tokens
    return parts if input_includes_cached else parts + usage.input_tokens


def _longest_inputs(listed: Price, input_tokens: int) -> Iterable[int]:
    return (*(tier.above_tokens for tier in listed.tiers if tier.above_tokens < input_tokens), input_tokens)


def _most(whole: int, output_tokens: int, rates: Rates, terms: Terms) -> int:
    """The bill for the usage of this length that costs most."""
    dearest = max(rates.input, rates.cached_input, rates.cache_write)
    if terms.hour_writes:
        dearest = max(dearest, _hour_rate(rates))
    if terms.audio_input and rates.audio_input is not None:
        dearest = max(dearest, rates.audio_input)
    output = max(rates.output, rates.audio_output or 0) if terms.audio_output else rates.output
    with localcontext(_EXACT):
        return _round(whole * dearest + output_tokens * output)


def _total(cost: Cost) -> int:
    return cost.total_nano


def _round(nano: Decimal) -> int:
    return int(nano.to_integral_value(rounding=ROUND_HALF_EVEN))
