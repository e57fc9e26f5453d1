"""A provider may send any one of its headers without the others."""

from __future__ import annotations

import pytest

from gateway_core.adapters.upstream.rates import rate_view
from gateway_core.domain.rates import RateView, ReportedLimit

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("limit", "60", ReportedLimit(limit=60)),
        ("remaining", "59", ReportedLimit(remaining=59)),
        ("reset", "2s", ReportedLimit(reset_at_ms=NOW + 2000)),
    ],
)
def test_one_header_of_a_limit_is_read(name, value, told):
    """What the others would say is not known."""
    found = rate_view({f"x-ratelimit-{name}-requests": value}, refused=False, now_ms=NOW)
    assert found == RateView(NOW, requests=told)
    found = rate_view({f"x-ratelimit-{name}-tokens": value}, refused=False, now_ms=NOW)
    assert found == RateView(NOW, tokens=told)
