"""Prices: what a usage costs, exactly, and how amounts are printed."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.price_list import PricingSection
from gateway_core.domain.answer import Usage
from gateway_core.domain.cost import price, usd
from gateway_core.domain.prices import Price
from tests.unit.prices import AUDIO, CLAUDE, FLAT, GEMINI, OPENAI, exact_nano, prices, usages


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
