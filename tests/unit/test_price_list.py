"""Prices that an operator declares: what is added where they say nothing, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gateway_core.config.documents import validate
from gateway_core.config.price_list import PricingSection, load_prices
from gateway_core.config.schema import ConfigFile
from gateway_core.domain.errors import ConfigError


def test_overrides_win_over_books():
    """A single override wins over the book, in its own unit, exactly."""
    own = {
        "book": "spec-2026-01",
        "per_tokens": 1000,
        "models": {"gpt-5.1": {"input": "0.1", "output": Decimal("0.2")}},
    }
    price = load_prices(PricingSection.model_validate(own), "test").declared["gpt-5.1"]
    assert (price.input, price.output, price.cached_input, price.cache_write) == (100_000, 200_000, 100_000, 100_000)
    assert price.source == "override"


def test_declared_zero_rates_are_kept():
    """A rate of 0 for cached input is a rate, not a missing one."""
    entry = {"input": 1, "output": 1, "cached_input": 0, "tiers": [{"above_tokens": 9, "input": 2, "output": 2}]}
    section = PricingSection.model_validate({"models": {"gpt-5.1": entry}})
    price = load_prices(section, "test").declared["gpt-5.1"]
    assert price.cached_input == 0
    assert price.tiers[0].cached_input == 2000


def declared(entry):
    section = PricingSection.model_validate({"models": {"gpt-5.1": entry}})
    return load_prices(section, "test").declared["gpt-5.1"]


def test_rates_that_are_like_others():
    """What is not named costs what it is like: an hour's write a write, which is like input; audio is text."""
    price = declared({"input": 1, "output": 2, "cache_write": 3})
    assert (price.cache_write_1h, price.audio_input, price.audio_output) == (3000, None, None)
    named = {"cache_write_1h": 4, "audio_input": 5, "audio_output": 6}
    price = declared(
        {"input": 1, "output": 2, **named, "tiers": [{"above_tokens": 9, "input": 2, "output": 4, **named}]}
    )
    for rates in (price, price.tiers[0]):
        assert (rates.cache_write_1h, rates.audio_input, rates.audio_output) == (4000, 5000, 6000)


def test_a_service_tier_costs_no_less_than_the_default_where_it_does_not_say():
    """A rate that it does not name is the dearer of the default's and the tier's own for what it is like."""
    price = declared(
        {
            "input": 4,
            "output": 8,
            "cached_input": 1,
            "cache_write": 5,
            "cache_write_1h": 7,
            "audio_input": 6,
            "service_tiers": {"flex": {"input": 2, "output": 4}, "priority": {"input": 8, "cached_input": 2}},
        }
    )
    flex, priority = price.service_tiers["flex"], price.service_tiers["priority"]
    assert (flex.input, flex.output, flex.cached_input, flex.cache_write) == (2000, 4000, 2000, 5000)
    assert (flex.cache_write_1h, flex.audio_input, flex.audio_output) == (7000, 6000, None)
    assert (priority.input, priority.output, priority.cached_input, priority.cache_write) == (8000, 8000, 2000, 8000)
    assert (priority.cache_write_1h, priority.audio_input, priority.service_tiers) == (8000, 8000, {})


def test_a_service_tier_has_every_threshold():
    """Above one that it does not have itself it costs what is dearer, the default there or its own rate below."""
    price = declared(
        {
            "input": 4,
            "output": 8,
            "tiers": [{"above_tokens": 9, "input": 8, "output": 12}],
            "service_tiers": {
                "flex": {"input": 2, "output": 4, "tiers": [{"above_tokens": 9, "input": 4, "output": 6}]},
                "priority": {"input": 8, "output": 16, "tiers": [{"above_tokens": 20, "input": 32}]},
            },
        }
    )
    (flex,) = price.service_tiers["flex"].tiers
    assert (flex.above_tokens, flex.input, flex.output, flex.cached_input) == (9, 4000, 6000, 8000)
    at = [(tier.above_tokens, tier.input, tier.output) for tier in price.service_tiers["priority"].tiers]
    assert at == [(9, 8000, 16_000), (20, 32_000, 16_000)]


def test_tiers_are_sorted():
    """Tiers may be written in any order."""
    tiers = [{"above_tokens": n, "input": 1, "output": 1} for n in (9, 3)]
    section = PricingSection.model_validate({"models": {"gpt-5.1": {"input": 1, "output": 1, "tiers": tiers}}})
    price = load_prices(section, "test").declared["gpt-5.1"]
    assert [tier.above_tokens for tier in price.tiers] == [3, 9]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"input": 1}, "pricing.models.gpt-5.1.output: Field required. Add it."),
        ({"input": -1, "output": 1}, "pricing.models.gpt-5.1.input: Input should be greater than or equal to 0"),
        ({"input": "cheap", "output": 1}, "pricing.models.gpt-5.1.input: Value error, should be a number"),
        ({"input": True, "output": 1}, "pricing.models.gpt-5.1.input: Value error, should be a number"),
        ({"input": "NaN", "output": 1}, "pricing.models.gpt-5.1.input: Input should be a finite number"),
        ({"input": 1, "output": 1, "cached": 1}, "pricing.models.gpt-5.1.cached: There is no such field"),
        (
            {"input": 1, "output": 1, "tiers": [{"above_tokens": 5, "input": 1, "output": 1}] * 2},
            "two tiers start at the same above_tokens",
        ),
        (
            {"input": 1, "output": 1, "service_tiers": {"flex": {"tiers": [{"above_tokens": 5}] * 2}}},
            "two tiers start at the same above_tokens",
        ),
        (
            {"input": 1, "output": 1, "service_tiers": {"Flex": {"input": 1}}},
            "pricing.models.gpt-5.1.service_tiers.Flex: String should match pattern",
        ),
    ],
)
def test_wrong_prices_are_refused(entry, message):
    """A price that is incomplete or not a price is an error that names its field."""
    with pytest.raises(ConfigError) as error:
        validate(ConfigFile, {"pricing": {"models": {"gpt-5.1": entry}}}, "config.yaml")
    assert message in error.value.message
    assert error.value.message.startswith("config.yaml: ")


def test_unknown_book():
    """A book that does not exist is an error that lists those that do."""
    with pytest.raises(ConfigError, match=r"config\.yaml: pricing\.book: .*Choose one of: spec-2026-01\."):
        load_prices(PricingSection(book="../pricing"), "config.yaml")
