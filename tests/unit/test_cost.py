"""Prices and bounds."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.price_list import PricingSection
from gateway_core.domain.answer import Usage
from gateway_core.domain.cost import bound, price, usd
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


class TestPrice:
    def test_anthropic(self):
        """Anthropic's 5 fresh + 100 read + 10 written input tokens: each part costs its own rate."""
        raw = {"input_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 10}
        cost = price(Usage(sum(raw.values()), 7, 100, 10), FLAT, input_includes_cached=False)
        assert cost.input_nano == 5 * 5000 + 100 * 500 + 10 * 6250
        assert cost.output_nano == 7 * 25000

    def test_openai(self):
        """OpenAI's 115 prompt tokens of which 100 are cached: 15 cost the input rate."""
        listed = Price(Decimal(1250), Decimal(10000), Decimal(125), Decimal(1250), "test")
        cost = price(Usage(115, 7, 100), listed, input_includes_cached=True)
        assert cost.input_nano == 15 * 1250 + 100 * 125
        assert cost.total_nano == cost.input_nano + 70_000

    def test_deepseek(self):
        """DeepSeek's hits and misses add up to the prompt; misses cost the input rate."""
        listed = Price(Decimal(300), Decimal(1200), Decimal(6), Decimal(300), "test")
        raw = {"prompt_tokens": 1000, "prompt_cache_hit_tokens": 900, "prompt_cache_miss_tokens": 100}
        usage = Usage(raw["prompt_tokens"], 0, raw["prompt_cache_hit_tokens"])
        assert price(usage, listed, input_includes_cached=True).total_nano == 100 * 300 + 900 * 6

    def test_gemini_below_the_threshold(self):
        """Gemini's 200,000th input token is still billed at the lower tier."""
        cost = price(Usage(200_000, 10), GEMINI, input_includes_cached=True)
        assert cost == replace(cost, input_nano=200_000 * 2000, output_nano=10 * 12000)

    def test_gemini_above_the_threshold(self):
        """One token more and the whole request, cached parts and output too, costs the upper tier."""
        cost = price(Usage(200_001, 10, 1000), GEMINI, input_includes_cached=True)
        assert cost.input_nano == 199_001 * 4000 + 1000 * 400
        assert cost.output_nano == 10 * 18000

    def test_cached_tokens_count_towards_the_threshold(self):
        """It is the whole input that selects the tier, not its uncached part."""
        cost = price(Usage(200_001, 0, 200_001), GEMINI, input_includes_cached=True)
        assert cost.input_nano == 200_001 * 400

    def test_reasoning_is_part_of_the_output(self):
        """Reasoning tokens are billed once, within the output."""
        with_it = price(Usage(1, 50, reasoning_tokens=50), FLAT, input_includes_cached=True)
        assert with_it == price(Usage(1, 50), FLAT, input_includes_cached=True)

    def test_forgotten_parts_are_billed(self):
        """Under Anthropic's convention an input smaller than its parts is the uncached part alone."""
        forgotten = price(Usage(5, 7, 100, 10), FLAT, input_includes_cached=False)
        assert forgotten == price(Usage(115, 7, 100, 10), FLAT, input_includes_cached=False)

    def test_impossible_whole_bills_its_parts(self):
        """Under the other convention such an input costs what its parts cost, never less than nothing."""
        cost = price(Usage(5, 0, 100, 10), FLAT, input_includes_cached=True)
        assert cost.input_nano == 100 * 500 + 10 * 6250

    def test_cache_writes_for_an_hour(self):
        """Claude's cost twice the input rate, and those for minutes in the same answer 1.25 times."""
        usage = Usage(1300, 0, cache_write_tokens=1200, cache_write_1h_tokens=1000)
        cost = price(usage, CLAUDE, input_includes_cached=False)
        assert cost.input_nano == 100 * 5000 + 200 * 6250 + 1000 * 10_000

    def test_an_hour_without_a_rate_of_its_own(self):
        """Costs what other writes cost."""
        usage = Usage(1000, 0, cache_write_tokens=1000, cache_write_1h_tokens=1000)
        assert price(usage, FLAT, input_includes_cached=False).input_nano == 1000 * 6250

    def test_no_more_is_written_for_an_hour_than_is_written(self):
        """A part that is larger than its whole is not billed beyond it."""
        usage = Usage(1000, 0, cache_write_tokens=10, cache_write_1h_tokens=1000)
        assert price(usage, CLAUDE, input_includes_cached=False).input_nano == 990 * 5000 + 10 * 10_000

    @pytest.mark.parametrize(
        ("named", "nano"),
        [
            ("", 1_250_000 + 100_000),
            ("default", 1_250_000 + 100_000),
            ("scale", 1_250_000 + 100_000),
            ("flex", 625_000 + 50_000),
            ("priority", 2_500_000 + 200_000),
            ("turbo", 2_500_000 + 200_000),
        ],
    )
    def test_the_service_tier_that_the_answer_names(self, named, nano):
        """Selects the price; a tier that is not listed costs what the dearest does."""
        cost = price(Usage(1000, 10, service_tier=named), OPENAI, input_includes_cached=True)
        assert (cost.total_nano, cost.price_source) == (nano, "test")

    def test_a_tier_without_listed_ones_costs_the_default(self):
        """There is nothing dearer to bill."""
        cost = price(Usage(1000, 10, service_tier="priority"), FLAT, input_includes_cached=True)
        assert cost == price(Usage(1000, 10), FLAT, input_includes_cached=True)

    def test_audio(self):
        """Sound has rates of its own, each way."""
        usage = Usage(1100, 60, audio_input_tokens=1000, audio_output_tokens=50)
        cost = price(usage, AUDIO, input_includes_cached=True)
        assert cost.input_nano == 100 * 2500 + 1000 * 32_000
        assert cost.output_nano == 10 * 10_000 + 50 * 64_000

    def test_text_is_cached_before_audio(self):
        """Nobody says which sound was cached, so that none is billed as if it was."""
        usage = Usage(1100, 0, cached_input_tokens=500, audio_input_tokens=1000)
        assert price(usage, AUDIO, input_includes_cached=True).input_nano == 100 * 1250 + 1000 * 32_000

    def test_audio_without_a_rate_of_its_own(self):
        """Is billed like text, cached parts included."""
        usage = Usage(1100, 50, 500, audio_input_tokens=1000, audio_output_tokens=50)
        assert price(usage, FLAT, input_includes_cached=True) == price(
            Usage(1100, 50, 500), FLAT, input_includes_cached=True
        )

    @pytest.mark.parametrize(
        "field",
        [
            "input_tokens",
            "output_tokens",
            "cached_input_tokens",
            "cache_write_tokens",
            "cache_write_1h_tokens",
            "audio_input_tokens",
            "audio_output_tokens",
        ],
    )
    def test_negative_counts_are_refused(self, field):
        """A negative count is somebody's bug, and would be paid out."""
        with pytest.raises(ValueError, match="negative"):
            price(replace(Usage(), **{field: -1}), FLAT, input_includes_cached=True)

    def test_the_convention_has_no_default(self):
        """Nobody can price a usage without saying how its input was counted."""
        with pytest.raises(TypeError, match="input_includes_cached"):
            price(Usage(1, 1), FLAT)

    @pytest.mark.parametrize(
        ("rate", "tokens", "nano"), [("0.5", 1, 0), ("0.5", 3, 2), ("0.25", 1, 0), ("0.75", 1, 1), ("1.5", 1, 2)]
    )
    def test_rounds_half_to_even(self, rate, tokens, nano):
        """Half a nano-USD goes to the even neighbour."""
        listed = Price(Decimal(rate), Decimal(0), Decimal(0), Decimal(0), "test")
        assert price(Usage(tokens), listed, input_includes_cached=True).total_nano == nano

    def test_the_total_is_rounded_once(self):
        """Two halves make a whole: rounding each part would lose it."""
        half = Decimal("0.5")
        cost = price(Usage(1, 1), Price(half, half, half, half, "test"), input_includes_cached=True)
        assert (cost.input_nano, cost.output_nano, cost.total_nano) == (0, 1, 1)

    def test_the_callers_decimal_context_does_not_matter(self):
        """Somebody else's short precision does not reach the bill."""
        with localcontext(prec=3):
            cost = price(Usage(123_457, 1), FLAT, input_includes_cached=True)
        assert cost.total_nano == 123_457 * 5000 + 25000

    def test_the_source_is_kept(self):
        """A cost names the price list that it was made with."""
        assert price(Usage(), FLAT, input_includes_cached=True).price_source == "test"

    @given(usages(), prices)
    def test_equals_the_definition(self, usage, listed):
        """The total is the exact sum, off by half a nano-USD at most, and neither part is negative."""
        cost = price(usage, listed, input_includes_cached=True)
        assert abs(cost.total_nano - exact_nano(usage, listed)) <= Decimal("0.5")
        assert cost.input_nano >= 0
        assert cost.output_nano >= 0

    @given(usages(), prices)
    def test_both_conventions_agree(self, usage, listed):
        """For a usage that adds up the convention changes nothing, so nothing is counted twice."""
        included = price(usage, listed, input_includes_cached=True)
        assert included == price(usage, listed, input_includes_cached=False)


class TestBound:
    def test_cache_write_dearer_than_input(self):
        """The hold covers a prompt that is written to the cache at 1.25 times the input rate."""
        assert bound(1000, 10, FLAT) == 1000 * 6250 + 10 * 25000

    def test_dearer_lower_tier(self):
        """A tier that is cheaper than the one below does not lower the hold under what a shorter prompt costs."""
        cheaper = PriceTier(100, Decimal(1), Decimal(1), Decimal(1), Decimal(1))
        assert bound(101, 0, replace(FLAT, tiers=(cheaper,))) == 100 * 6250

    def test_tier_out_of_reach(self):
        """A tier above the bound plays no part in it."""
        assert bound(200_000, 0, GEMINI) == 200_000 * 2000

    @pytest.mark.parametrize(
        ("asked", "nano"),
        [
            ("default", 1_250_000 + 100_000),
            ("flex", 1_250_000 + 100_000),
            ("priority", 2_500_000 + 200_000),
            ("auto", 2_500_000 + 200_000),
            ("turbo", 2_500_000 + 200_000),
        ],
    )
    def test_the_dearest_service_tier_that_may_serve_it(self, asked, nano):
        """The default may stand in for a tier that is asked for, and `auto` is whatever the account says."""
        assert bound(1000, 10, OPENAI, Terms(service_tier=asked)) == nano

    def test_only_what_is_asked_for_is_held(self):
        """An hour in the cache and sound cost more, but only who asks for them."""
        assert bound(1000, 0, CLAUDE) == 1000 * 6250
        assert bound(1000, 0, CLAUDE, Terms(hour_writes=True)) == 1000 * 10_000
        assert bound(1000, 10, AUDIO) == 1000 * 2500 + 10 * 10_000
        assert bound(1000, 10, AUDIO, Terms(audio_input=True)) == 1000 * 32_000 + 10 * 10_000
        assert bound(1000, 10, AUDIO, Terms(audio_output=True)) == 1000 * 2500 + 10 * 64_000

    @given(st.data(), counts, counts, prices, terms)
    def test_no_usage_within_the_bound_costs_more(self, data, most_in, most_out, listed, asked):
        """price(actual) <= bound for every usage that the request allows."""
        usage = data.draw(usages(most_in, most_out, asked))
        hold = bound(most_in, most_out, listed, asked)
        assert price(usage, listed, input_includes_cached=True).total_nano <= hold

    @given(counts, counts, prices, terms)
    def test_is_reached(self, most_in, most_out, listed, asked):
        """The bound is tight: a usage that the request allows costs exactly that."""
        whole = {"auto": {"flex", "priority"}, "default": set()}.get(asked.service_tier, {asked.service_tier})
        if not whole <= listed.service_tiers.keys():
            whole = set(listed.service_tiers)
        served = [listed, *(listed.service_tiers[name] for name in whole)]
        dearest = max(exact_at(corner, one) for one in served for corner in corners(most_in, most_out, one, asked))
        assert abs(bound(most_in, most_out, listed, asked) - dearest) <= Decimal("0.5")


def corners(most_in, most_out, listed, asked):
    """The longest input of each length tier, all of it of one kind, with an answer of text and one of sound."""
    for n in {most_in, *(tier.above_tokens for tier in listed.tiers if tier.above_tokens < most_in)}:
        kinds = [{}, {"cached_input_tokens": n}, {"cache_write_tokens": n}]
        kinds += [{"cache_write_tokens": n, "cache_write_1h_tokens": n}] * asked.hour_writes
        kinds += [{"audio_input_tokens": n}] * asked.audio_input
        for kind in kinds:
            yield Usage(n, most_out, **kind)
            yield Usage(n, most_out, **kind, audio_output_tokens=most_out * asked.audio_output)


class TestSpecificationBook:
    @pytest.mark.parametrize(
        ("key", "input_usd", "output_usd"),
        [
            ("claude-opus-4.5", "0.015", "0.075"),
            ("claude-sonnet-4", "0.003", "0.015"),
            ("claude-haiku-3.5", "0.00025", "0.00125"),
            ("gpt-5.1", "0.01", "0.03"),
            ("gemini-3-pro", "0.00125", "0.005"),
            ("deepseek-v3.2", "0.0001", "0.0002"),
        ],
    )
    def test_prices_of_the_table(self, key, input_usd, output_usd):
        """A thousand tokens each way cost what the specification's table says, to the nano-USD."""
        catalog = load_catalog(Overrides(pricing=PricingSection(book="spec-2026-01")))
        cost = price(Usage(1000, 1000), catalog.models[key].price, input_includes_cached=True)
        assert usd(cost.input_nano) == input_usd
        assert usd(cost.output_nano) == output_usd
        assert cost.price_source == "book:spec-2026-01"


@pytest.mark.parametrize(
    ("nano", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (117_000, "0.000117"),
        (10**9, "1"),
        (1_500_000_000, "1.5"),
        (-25, "-0.000000025"),
        (9_000_000 * 10**9, "9000000"),
    ],
)
def test_usd(nano, text):
    """Nano-USD print as plain decimals."""
    assert usd(nano) == text


@given(st.integers(-(2**53), 2**53))
def test_usd_keeps_every_digit(nano):
    """The text is the amount, exactly, without an exponent."""
    assert Decimal(usd(nano)) * 10**9 == nano
    assert "E" not in usd(nano).upper()
