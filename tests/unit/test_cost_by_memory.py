"""`benchmarks/cost_by_memory.py`: what memory costs, and from when on a server is cheaper."""

from decimal import Decimal
from functools import partial

import pytest

from benchmarks.cost_by_memory import (
    ALWAYS_ON,
    SIZES_MB,
    Measured,
    break_even,
    memory_table,
    monthly,
    request_of,
    share,
)
from benchmarks.prices import load

RATES = load()


def test_a_share_by_hand():
    """Half a gigabyte is 29 % of a processor; nobody has more than one."""
    assert share(512) == Decimal(512) / 1769
    assert share(3008) == 1
    request = request_of(512, Decimal(5), Measured(start_s=Decimal("0.512"), request_s=Decimal("0.00512")))
    assert (request.seconds, request.cold_seconds) == (Decimal("5.01769"), Decimal("1.769"))


def test_waiting_is_billed_by_memory():
    """Twice the memory is nearly twice the time's price, and a row says which start is too long."""
    rows = dict(zip(SIZES_MB, memory_table(RATES).splitlines()[2:], strict=True))
    half, whole = (Decimal(rows[size].split(" | ")[5]) for size in (512, 1024))
    assert Decimal("1.95") < whole / half < 2
    assert ["too long" in row for row in rows.values()] == [True, False, False, False]


@pytest.mark.parametrize("server", ALWAYS_ON, ids=lambda one: one.what[:20])
def test_the_break_even_is_where_both_cost_the_same(server):
    """One request less is cheaper than the server."""
    cost = partial(monthly, rates=RATES, size_mb=512, with_store=not server.same_store)
    even = break_even(server.usd(RATES), cost)
    assert cost(even - 1) < server.usd(RATES) <= cost(even)


def test_a_task_by_hand():
    """720 hours of a vCPU, of two gigabytes and of a load balancer."""
    assert ALWAYS_ON[1].usd(RATES) == 720 * (Decimal("0.03238") + 2 * Decimal("0.00356") + Decimal("0.0225"))
