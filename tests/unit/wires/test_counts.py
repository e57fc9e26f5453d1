"""Counts of a part that is larger than its whole, as no provider may report them and some do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.domain.answer import Usage
from gateway_core.wires.counts import checked

WHOLE = Usage(5, 3)


@pytest.mark.parametrize(
    ("part", "most"),
    [
        ("cached_input_tokens", 5),
        ("cache_write_tokens", 5),
        ("reasoning_tokens", 3),
        ("cache_write_1h_tokens", 0),
        ("audio_input_tokens", 5),
        ("audio_output_tokens", 3),
    ],
)
def test_each_part_alone_is_cut_to_its_whole(part, most):
    """Whatever else is there; for an hour nothing can be written where nothing is written at all."""
    assert checked(replace(WHOLE, **{part: 7})) == replace(WHOLE, **{part: most})


def test_what_is_read_and_written_shares_the_input():
    """What was read from the cache comes first, and an hour's writes are among the writes."""
    given = replace(WHOLE, cached_input_tokens=4, cache_write_tokens=4, cache_write_1h_tokens=4)
    assert checked(given) == replace(WHOLE, cached_input_tokens=4, cache_write_tokens=1, cache_write_1h_tokens=1)


def test_a_usage_without_parts_is_as_it_was():
    """There is nothing to cut."""
    assert checked(WHOLE) == WHOLE
