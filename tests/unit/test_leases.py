"""Until when somebody may still settle what is held."""

from __future__ import annotations

from gateway_core.store.estimates import is_left, unconfirmed_since_ms
from gateway_core.store.records import OpenHold

MINUTE_MS = 60_000
HELD = OpenHold("r1", 1, "key", "", "20261120", 5, 6, held_since_ms=MINUTE_MS, unconfirmed=False)


def test_a_lease_is_a_quarter_of_an_hour():
    """Longer than any attempt."""
    assert unconfirmed_since_ms(HELD) == 16 * MINUTE_MS
    assert (is_left(HELD, 16 * MINUTE_MS - 1), is_left(HELD, 16 * MINUTE_MS)) == (False, True)
