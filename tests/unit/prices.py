"""Price lists, usages that hypothesis makes up, and their bill by the definition."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

from hypothesis import strategies as st

from gateway_core.domain.answer import Usage
from gateway_core.domain.prices import Price, PriceTier
from gateway_core.domain.terms import Terms

EVERYTHING = Terms("auto", 1, hour_writes=True, audio_input=True, audio_output=True)
FLAT = Price(Decimal(5000), Decimal(25000), Decimal(500), Decimal(6250), "test")
GEMINI = Price(
    Decimal(2000),
    Decimal(12000),
    Decimal(200),
    Decimal(2000),
    "test",
    (PriceTier(200_000, Decimal(4000), Decimal(18000), Decimal(400), Decimal(4000)),),
)
CLAUDE = replace(FLAT, cache_write_1h=Decimal(10_000))
PRIORITY = Price(Decimal(2500), Decimal(20000), Decimal(250), Decimal(2500), "test")
FLEX = Price(Decimal(625), Decimal(5000), Decimal("62.5"), Decimal(625), "test")
OPENAI = Price(
    Decimal(1250),
    Decimal(10000),
    Decimal(125),
    Decimal(1250),
    "test",
    service_tiers={"flex": FLEX, "priority": PRIORITY},
)
AUDIO = Price(
    Decimal(2500),
    Decimal(10000),
    Decimal(1250),
    Decimal(2500),
    "test",
    audio_input=Decimal(32000),
    audio_output=Decimal(64000),
)
rates = st.decimals(min_value=0, max_value=100_000, places=5)
optional = {name: st.none() | rates for name in ("cache_write_1h", "audio_input", "audio_output")}
counts = st.integers(min_value=0, max_value=2_000_000)
tiers = st.lists(
    st.builds(PriceTier, st.integers(1, 1_500_000), rates, rates, rates, rates, **optional),
    max_size=3,
    unique_by=lambda tier: tier.above_tokens,
).map(tuple)
simple_prices = st.builds(Price, rates, rates, rates, rates, st.just("test"), tiers, **optional)
prices = st.builds(
    lambda listed, served: replace(listed, service_tiers=served),
    simple_prices,
    st.dictionaries(st.sampled_from(["flex", "priority"]), simple_prices),
)
terms = st.builds(
    Terms,
    service_tier=st.sampled_from(["default", "auto", "flex", "priority"]),
    hour_writes=st.booleans(),
    audio_input=st.booleans(),
    audio_output=st.booleans(),
)


@st.composite
def usages(draw, most_in=2_000_000, most_out=2_000_000, asked=EVERYTHING):
    """A usage whose parts add up, as `asked` allows it."""
    whole, output = draw(st.integers(0, most_in)), draw(st.integers(0, most_out))
    cached = draw(st.integers(0, whole))
    written = draw(st.integers(0, whole - cached))
    served = {"default": ["", "default"], "auto": ["", "default", "flex", "priority", "odd"]}
    return Usage(
        input_tokens=whole,
        output_tokens=output,
        cached_input_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=draw(st.integers(0, output)),
        cache_write_1h_tokens=draw(st.integers(0, written)) if asked.hour_writes else 0,
        audio_input_tokens=draw(st.integers(0, whole)) if asked.audio_input else 0,
        audio_output_tokens=draw(st.integers(0, output)) if asked.audio_output else 0,
        service_tier=draw(st.sampled_from(served.get(asked.service_tier, ["", "default", asked.service_tier]))),
    )


def priced_at(usage: Usage, listed: Price) -> list[Price]:
    """The prices of which the dearest counts."""
    if usage.service_tier in ("", "default"):
        return [listed]
    named = listed.service_tiers.get(usage.service_tier)
    return [named] if named else [listed, *listed.service_tiers.values()]


def exact_nano(usage: Usage, listed: Price) -> Decimal:
    """The bill by the definition, unrounded: an oracle that shares no code with `price`."""
    return max(exact_at(usage, one) for one in priced_at(usage, listed))


def exact_at(usage: Usage, listed: Price) -> Decimal:
    """The same at the rates of one service tier, token by token in words: audio, then written, cached, the rest."""
    by_tier = {tier.above_tokens: tier for tier in listed.tiers if tier.above_tokens < usage.input_tokens}
    chosen = by_tier[max(by_tier)] if by_tier else listed
    left, nano = usage.input_tokens, Decimal(0)
    hour_rate = chosen.cache_write if chosen.cache_write_1h is None else chosen.cache_write_1h
    minutes = usage.cache_write_tokens - usage.cache_write_1h_tokens
    heard = usage.audio_input_tokens if chosen.audio_input is not None else 0
    said = usage.audio_output_tokens if chosen.audio_output is not None else 0
    with localcontext(prec=80):
        for tokens, rate in (
            (heard, chosen.audio_input or Decimal(0)),
            (usage.cache_write_1h_tokens, hour_rate),
            (minutes, chosen.cache_write),
            (usage.cached_input_tokens, chosen.cached_input),
            (usage.input_tokens, chosen.input),
        ):
            nano += rate * min(tokens, left)
            left -= min(tokens, left)
        return nano + (usage.output_tokens - said) * chosen.output + said * (chosen.audio_output or 0)
