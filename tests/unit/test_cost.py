"""Prices, bounds and the size of a prompt."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.price_list import PricingSection
from gateway_core.domain.chat import Price, PriceTier, Usage
from gateway_core.domain.cost import (
    MESSAGE_TOKENS,
    REQUEST_TOKENS,
    TOOL_PROMPT_TOKENS,
    bound,
    price,
    prompt_bound,
    usd,
)


def input_bound(messages, params, *, max_image_tokens):
    """The whole prompt, with images of a model that counts so much for each."""
    texts, images = prompt_bound(messages, params)
    return texts + images * max_image_tokens


FLAT = Price(Decimal(5000), Decimal(25000), Decimal(500), Decimal(6250), "test")
GEMINI = Price(
    Decimal(2000),
    Decimal(12000),
    Decimal(200),
    Decimal(2000),
    "test",
    (PriceTier(200_000, Decimal(4000), Decimal(18000), Decimal(400), Decimal(4000)),),
)

rates = st.decimals(min_value=0, max_value=100_000, places=5)
counts = st.integers(min_value=0, max_value=2_000_000)
tiers = st.lists(
    st.builds(PriceTier, st.integers(1, 1_500_000), rates, rates, rates, rates),
    max_size=3,
    unique_by=lambda tier: tier.above_tokens,
).map(tuple)
prices = st.builds(Price, rates, rates, rates, rates, st.just("test"), tiers)


@st.composite
def usages(draw, most_in=2_000_000, most_out=2_000_000):
    """A usage whose parts add up: cached and written tokens within the input, reasoning within the output."""
    whole, output = draw(st.integers(0, most_in)), draw(st.integers(0, most_out))
    cached = draw(st.integers(0, whole))
    written = draw(st.integers(0, whole - cached))
    return Usage(whole, output, cached, written, draw(st.integers(0, output)))


def exact_nano(usage: Usage, listed: Price) -> Decimal:
    """The bill by the definition, tier by tier, unrounded: an oracle that shares no code with `price`."""
    by_tier = {tier.above_tokens: tier for tier in listed.tiers if tier.above_tokens < usage.input_tokens}
    chosen = by_tier[max(by_tier)] if by_tier else listed
    uncached = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
    with localcontext() as context:
        context.prec = 80
        return (
            chosen.input * uncached
            + chosen.cached_input * usage.cached_input_tokens
            + chosen.cache_write * usage.cache_write_tokens
            + chosen.output * usage.output_tokens
        )


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

    @pytest.mark.parametrize("field", ["input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens"])
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

    @given(st.data(), counts, counts, prices)
    def test_no_usage_within_the_bound_costs_more(self, data, most_in, most_out, listed):
        """price(actual) <= bound for every usage within it."""
        usage = data.draw(usages(most_in, most_out))
        hold = bound(most_in, most_out, listed)
        assert price(usage, listed, input_includes_cached=True).total_nano <= hold

    @given(counts, counts, prices)
    def test_is_reached(self, most_in, most_out, listed):
        """The bound is tight: a usage within it costs exactly that."""
        edges = {most_in, *(tier.above_tokens for tier in listed.tiers if tier.above_tokens < most_in)}
        corners = [Usage(n, most_out, *parts) for n in edges for parts in ((0, 0), (n, 0), (0, n))]
        dearest = max(exact_nano(corner, listed) for corner in corners)
        assert abs(bound(most_in, most_out, listed) - dearest) <= Decimal("0.5")


def user(content):
    return {"role": "user", "content": content}


def image(url="https://example.com/cat.png"):
    return {"type": "image_url", "image_url": {"url": url}}


class TestInputBound:
    @given(st.lists(st.text(), max_size=4))
    def test_covers_every_byte(self, texts):
        """No tokeniser makes more tokens than there are bytes of text; lone surrogates included."""
        size = input_bound([user(text) for text in texts], {}, max_image_tokens=0)
        assert size >= sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)

    def test_overhead(self):
        """Each message and the request add a constant to the bytes of their JSON."""
        message = user("é")
        raw = len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()) + len("{}")
        assert input_bound([message], {}, max_image_tokens=0) == raw + MESSAGE_TOKENS + REQUEST_TOKENS

    def test_lone_surrogate(self):
        """JSON may carry half a surrogate pair; it counts, and does not fail."""
        assert input_bound([user("\ud800")], {}, max_image_tokens=0) > REQUEST_TOKENS

    @pytest.mark.parametrize("kind", ["image_url", "input_image", "image"])
    def test_image_counts_its_maximum(self, kind):
        """An image counts the model's maximum, whatever the length of its data."""
        short, long = ({"type": kind, "image_url": {"url": "data:image/png;base64," + "A" * n}} for n in (9, 9000))
        sizes = [input_bound([user([part])], {}, max_image_tokens=1600) for part in (short, long)]
        without = input_bound([user([])], {}, max_image_tokens=1600)
        assert sizes == [without + MESSAGE_TOKENS + 1600] * 2

    def test_image_without_an_object(self):
        """The Responses form, with the URL in place of the object, is an image as well."""
        part = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 9000}
        assert input_bound([user([part])], {}, max_image_tokens=1) < 1000

    def test_document_in_an_image_part_counts_its_bytes(self):
        """A PDF that is sent where an image belongs is not counted as one."""
        part = image("data:application/pdf;base64," + "A" * 50_000)
        assert input_bound([user([part])], {}, max_image_tokens=1600) > 50_000

    def test_text_parts_count_their_bytes(self):
        """Text in parts counts like text in one piece, and a part that is not an object like its JSON."""
        parts = [{"type": "text", "text": "x" * 500}, "y" * 500]
        assert input_bound([user(parts)], {}, max_image_tokens=0) > 1000

    @pytest.mark.parametrize("name", ["tools", "functions", "response_format"])
    def test_tools_and_formats_count(self, name):
        """Tools and response formats count their JSON and the instructions that providers add for them."""
        params = {name: [{"type": "function", "function": {"name": "f", "description": "d" * 300}}]}
        plain = input_bound([user("hi")], {}, max_image_tokens=0)
        assert input_bound([user("hi")], params, max_image_tokens=0) > plain + 300 + TOOL_PROMPT_TOKENS

    @pytest.mark.parametrize("message", [{"role": "tool", "content": "4"}, {"role": "assistant", "tool_calls": [{}]}])
    def test_tool_messages_bring_the_tool_prompt(self, message):
        """A conversation with tool calls makes providers add their tool instructions even without tools."""
        assert input_bound([message], {}, max_image_tokens=0) > TOOL_PROMPT_TOKENS

    def test_tool_calls_count(self):
        """What a message carries besides its content, tool calls for one, counts its bytes."""
        call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "a" * 700}}
        message = {"role": "assistant", "content": [{"type": "text", "text": ""}], "tool_calls": [call]}
        assert input_bound([message], {}, max_image_tokens=0) > 700 + TOOL_PROMPT_TOKENS


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


def test_the_overheads_are_what_they_were():
    """Holds are made of them: less, and a budget could be overrun."""
    assert (REQUEST_TOKENS, MESSAGE_TOKENS, TOOL_PROMPT_TOKENS) == (32, 16, 1024)
