"""Many at once, and very many names."""

import asyncio

from gateway_core.adapters.memory import MemoryStore
from gateway_core.store.counters import MOST_NAMES
from gateway_core.store.messages import Admitted
from gateway_core.store.response_cache import Hit
from tests.contract.desk import Desk, candidate, settled
from tests.contract.wire import wired_store

DOLLAR = 10**9


async def crowd(desks, jobs):
    """Run one job for each of the desks' turns, sixty-four at a time."""
    turn = asyncio.Semaphore(64)

    async def work(job, desk):
        async with turn:
            return await job(desk)

    return await asyncio.gather(*(work(job, desks[i % len(desks)]) for i, job in enumerate(jobs)))


async def test_sixty_four_at_once_never_overspend(redis):
    """Four processes with sixty-four requests under way against one dollar: what is admitted fits exactly."""
    stores = [redis.connect() for _ in range(4)]
    desks = [await Desk(store).open(month_nano=DOLLAR) for store in stores]
    chosen = candidate(nano=30_000_000)
    answers = await crowd(desks, [lambda desk, i=i: desk.admit(f"r{i}", chosen) for i in range(100)])
    held = {i: answer for i, answer in enumerate(answers) if isinstance(answer, Admitted)}
    assert len(held) == 33
    assert await desks[0].money() == (0, 33 * 30_000_000)

    ends = [(f"r{i}", settled(answer, chosen, charge_nano=20_000_000)) for i, answer in held.items()]
    done = await crowd(desks, [lambda desk, e=end: desk.settle(*e) for end in ends for _ in range(2)])
    assert sum(done) == 33
    assert await desks[0].money() == (33 * 20_000_000, 0)
    assert (await desks[0].counters())["c|20"].requests == len(await desks[0].records()) == 33
    for store in stores:
        await store.close()


async def test_half_open_lets_one_of_a_hundred_through(redis):
    """A hundred requests from four processes meet a breaker that may probe: exactly one does."""
    stores = [redis.connect() for _ in range(4)]
    desks = [await Desk(store).open() for store in stores]
    for i in range(5):
        await desks[0].call(f"fail-{i}", "fail")
    for desk in desks:
        desk.at = 30_000
    answers = await crowd(desks, [lambda desk, i=i: desk.admit(f"p{i}") for i in range(100)])
    assert [answer.probe for answer in answers if isinstance(answer, Admitted)] == [True]
    for store in stores:
        await store.close()


async def many_users(store):
    """A day with more users than are told apart."""
    desk = await Desk(store, agent="known").open()
    await desk.call("first")
    requests = MOST_NAMES + 20
    for i in range(requests):
        desk.user = f"user-{i % (MOST_NAMES + 10)}"
        assert isinstance(await desk.look_up(f"r{i}"), Hit)
        done = await desk.close(f"r{i}", None, attempts=0, cache_hit=True, input_nano=0, output_nano=0)
        assert done.folded == (("u",) if MOST_NAMES <= i < MOST_NAMES + 10 else ())
    fields = await desk.counters()
    known = fields["ca|20|known"].requests, fields["cam|20|known|claude"].requests, fields["c|20"].requests
    assert set(known) == {requests + 1}
    users = [name for name in fields if name.startswith("cu|")]
    assert fields["cu|20|*"].requests == 10
    assert sum(fields[name].requests for name in users) == requests
    assert len(users) == MOST_NAMES + 1
    assert len([name for name in await desk.counters("M") if name.startswith("cu|")]) == MOST_NAMES + 10


async def test_a_day_with_very_many_users_counts_new_ones_together():
    """Beyond the cap new names fold into the rest, known ones go on, and the total stays right."""
    await many_users(MemoryStore())


async def test_a_day_with_very_many_users_counts_new_ones_together_in_redis(redis):
    """As in memory."""
    store = wired_store(redis.port)
    await many_users(store)
    await store.close()


async def test_counters_of_several_lengths_add_up(desk):
    """Zeros at the end are left out, and what came later stands behind the latencies."""
    ends = [("r1", 900, ""), ("r2", 90_000, "dear->cheap"), ("r3", 50, ""), ("r4", 50, "dear->cheap"), ("r5", 300, "")]
    for request_id, latency_ms, downgraded in ends:
        ended = settled(await desk.admitted(request_id), candidate(), charge_nano=70)
        assert await desk.settle(request_id, ended, latency_ms=latency_ms, downgraded=downgraded)
    for period in ("20", "M"):
        found = (await desk.counters(period))[f"cm|{period}|claude"]
        assert (found.requests, found.downgraded, found.latency_ms) == (5, 2, 91_300)
        assert found.latencies == (2, 0, 1, 1, 0, 0, 0, 0, 0, 0, 1)
        assert found.cost_nano == 5 * 70
    assert [record.downgraded for record in await desk.records()] == [downgraded for _, _, downgraded in ends]
