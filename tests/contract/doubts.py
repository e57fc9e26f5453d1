"""Attempts that may have been billed, and what the accounts say of them."""

from gateway_core.store.estimates import LEAST_WAIT_MS
from tests.contract.desk import MONTH, candidate, settled

ONE = candidate("m1", "one")
HOUR_MS = 3_600_000
DUE_MS = 12 * HOUR_MS + LEAST_WAIT_MS
"""From noon to six hours after the end of the day."""


async def doubt(desk, request_id, nano=30, **changes):
    """A request whose only attempt stays unconfirmed, with a record of what is known."""
    ended = settled(
        await desk.admitted(request_id, ONE),
        ONE,
        "fail",
        charge_nano=nano,
        charge_tokens=3,
        unconfirmed=True,
        **changes,
    )
    record = {"input_nano": nano, "output_nano": 0, "input_tokens": 3, "output_tokens": 0}
    assert await desk.settle(request_id, ended, **record)
    return ended


async def states(desk):
    """Each hold by request, with its state and nano-USD."""
    page = await desk.store.hold_page("alpha", month=MONTH)
    assert page.cursor == ""
    return {hold.request_id: (hold.state, hold.hold_nano) for hold in page.holds}


async def estimated(desk, scope="p"):
    """Nano-USD and tokens of the scope's day, which are those of its month."""
    day, month = await desk.lines(scope)
    found = (day.estimated_nano, day.estimated_tokens)
    assert found == (month.estimated_nano, month.estimated_tokens)
    return found


async def total(desk):
    counted = (await desk.counters())["c|20"]
    return counted.requests, counted.cost_nano


async def book_all(desk):
    for hold in await desk.store.open_holds("alpha", month=MONTH):
        assert await desk.store.book_hold("alpha", hold, now_ms=desk.now)
