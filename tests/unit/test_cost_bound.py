"""Bounds: no request that was admitted costs more than what is held for it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.answer import Usage
from gateway_core.domain.cost import bound, price
from gateway_core.domain.prices import PriceTier
from gateway_core.domain.terms import Terms
from tests.unit.prices import AUDIO, CLAUDE, FLAT, GEMINI, OPENAI, counts, exact_at, prices, terms, usages


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
