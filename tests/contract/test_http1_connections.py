"""The connections of the gateway's HTTP client: how long they are kept, who gets one, what is not waited for."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from gateway_core.http1 import (
    AnswerTimeout,
    ConnectionBroken,
    ConnectTimeout,
    LazyTls,
    Limits,
    LineTimeout,
    MalformedAnswer,
    Pool,
    Url,
)
from tests.contract.http1_calls import CHUNKED, HELLO, OK, Wall, fetch, post
from tests.contract.raw_server import RawServer, beside, busy, nothing, says, serving, until
from tests.loop_time import ends_after, loop_time


@pytest.mark.parametrize("clock", ["loop", "wall"])
async def test_connections_are_kept_for_a_while(pool: Pool, wall: Wall, clock: str) -> None:
    """By either clock: one may stand still while the machine is frozen."""
    async with serving(says(HELLO)) as raw:
        with loop_time() as time:
            for count in (1, 1, 2):
                if count > 1:
                    wall.now_s += 1001 if clock == "wall" else 0
                    time.now_s += 1001 if clock == "loop" else 0
                assert await post(pool, raw.url) == b"hello"
                assert raw.connections == count


async def test_connections_that_nobody_uses_are_closed(wall: Wall) -> None:
    """When their time is over, without another request; those that were used since have longer."""
    async with serving(says(HELLO)) as one, serving(says(HELLO)) as two:
        with loop_time() as time:
            pool = Pool(Limits(idle_s=10), LazyTls(), wall)
            await post(pool, one.url)
            await time.passes(6)
            await post(pool, two.url)
            await time.passes(5)
            assert [bool(pool._idle._kept.get(Url.parse(raw.url).origin)) for raw in (one, two)] == [False, True]
            await time.passes(6)
            assert (pool._idle._kept, pool._idle._timer) == ({}, None)


async def test_only_so_many_are_kept(wall: Wall) -> None:
    """What is beyond is closed at once."""
    pool = Pool(Limits(keep=1), LazyTls(), wall)
    async with serving(says(HELLO)) as one, serving(says(HELLO)) as two:
        for raw in (one, two, one, two):
            await post(pool, raw.url)
    assert (one.connections, two.connections) == (1, 2)
    await pool.close()


async def test_a_lost_answer_condemns_the_connections_of_its_time(pool: Pool) -> None:
    """They may have met the same end: what is asked again goes over a new one."""
    async with serving(says(HELLO)) as raw:
        await asyncio.gather(fetch(pool, raw.url), fetch(pool, raw.url))
        raw.act = says(abort=True)
        with pytest.raises(ConnectionBroken):
            await fetch(pool, raw.url)
        raw.act = says(HELLO)
        assert await fetch(pool, raw.url) == b"hello"
    assert raw.connections == 3


async def test_an_answer_has_a_greatest_size(pool: Pool) -> None:
    """Announced or not."""
    for answer in (HELLO, CHUNKED, OK + b"\r\nhello"):
        async with serving(says(answer)) as raw:
            with pytest.raises(MalformedAnswer):
                await fetch(pool, raw.url, most_bytes=4)
    async with serving(says(OK + b"content-length: 0\r\n\r\n")) as raw:
        assert await fetch(pool, raw.url, most_bytes=0) == b""


async def test_an_answer_that_is_late_is_not_waited_for(pool: Pool) -> None:
    """Not one that comes slowly either; connecting does not count."""
    for act in (nothing, says(HELLO[:-2])):
        async with serving(act) as raw:
            with pytest.raises(AnswerTimeout):
                await ends_after(30, fetch(pool, raw.url), raw.asked.wait(), steps=100)


async def test_connecting_has_a_deadline(pool: Pool) -> None:
    """Here a server that does not know TLS, and says nothing."""

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        writers.append(writer)

    connected, writers = asyncio.Event(), list[asyncio.StreamWriter]()
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    with pytest.raises(ConnectTimeout):
        await ends_after(30, fetch(pool, url), connected.wait(), steps=100)
    server.close()
    writers[0].close()


class Crowd:
    """Many at once before a server that answers when it is told to, and only so often."""

    def __init__(self, raw: RawServer, pool: Pool) -> None:
        self.raw, self.pool = raw, pool
        self.go = asyncio.Semaphore(0)
        self.order: list[int] = []
        raw.act = self._act

    async def _act(self, _request: bytes, writer: asyncio.StreamWriter) -> None:
        await self.go.acquire()
        writer.write(HELLO)

    async def one(self, number: int) -> None:
        await fetch(self.pool, self.raw.url)
        self.order.append(number)

    async def come(self, count: int) -> list[asyncio.Task[None]]:
        tasks = [asyncio.ensure_future(self.one(number)) for number in range(count)]
        await self.raw.asked.wait()
        return tasks


async def test_who_finds_no_place_waits_in_order(wall: Wall) -> None:
    """Who leaves meanwhile, before or just as their turn comes, holds nobody up."""
    pool = Pool(Limits(most=1, connect_s=30), LazyTls(), wall)
    async with serving(nothing) as raw:
        crowd = Crowd(raw, pool)
        tasks = await crowd.come(6)
        tasks[2].cancel()
        crowd.go.release()
        await asyncio.wait([tasks[0]])
        await until(lambda: len(raw.requests) > 1)
        tasks[1].cancel()  # its place goes to the next
        for _ in range(5):
            crowd.go.release()
        await asyncio.wait(tasks)
        assert crowd.order == [0, 3, 4, 5]
    await pool.close()


async def test_who_gets_a_place_and_leaves_hands_it_on(wall: Wall) -> None:
    """In the same turn of the event loop."""
    line = Pool(Limits(most=1), LazyTls(), wall)._line
    await line.__aenter__()
    tasks = [asyncio.ensure_future(line.__aenter__()) for _ in range(2)]
    await asyncio.sleep(0)
    await line.__aexit__(None, None, None)
    tasks[0].cancel()
    await asyncio.wait(tasks, timeout=None)
    assert [task.cancelled() for task in tasks] == [True, False]


async def test_the_line_is_sent_home_where_nobody_is_answered(wall: Wall) -> None:
    """Each of them would only find the same, one after the other."""
    pool = Pool(Limits(most=1, connect_s=30), LazyTls(), wall)
    async with serving(nothing) as raw:
        tasks = [asyncio.ensure_future(fetch(pool, raw.url)) for _ in range(3)]
        with pytest.raises(AnswerTimeout):
            await ends_after(30, asyncio.wait_for(tasks[0], None), raw.asked.wait(), steps=100)
        for task in tasks[1:]:
            with pytest.raises(LineTimeout):
                await task
    assert len(raw.requests) == 1
    await pool.close()


def test_each_event_loop_has_a_pool_of_its_own() -> None:
    """One after the other, with the same certificates."""
    tls = LazyTls()

    async def once(url: str) -> bytes:
        pool = Pool(Limits(), tls)
        body = await post(pool, url)
        await pool.close()
        return body

    with warnings.catch_warnings(), beside(HELLO) as raw:
        warnings.simplefilter("error")
        assert [asyncio.run(once(raw.url)) for _ in range(2)] == [b"hello", b"hello"]
        gc.collect()


async def test_closing_closes(pool: Pool) -> None:
    """What is kept; a request after that opens anew."""
    async with serving(says(HELLO)) as raw:
        await post(pool, raw.url)
        await pool.close()
        assert await post(pool, raw.url) == b"hello"
    assert raw.connections == 2


async def test_an_answer_that_is_there_counts_however_late_we_are(pool: Pool) -> None:
    """The event loop was busy for far longer than the other side had, which answered at once."""
    with beside(HELLO, held=True) as raw, loop_time() as time:
        asking = asyncio.ensure_future(fetch(pool, raw.url, answer_s=0.5))
        await until(raw.asked.is_set)
        raw.go.set()
        raw.answered.wait()  # the loop does not go on meanwhile
        time.now_s += 1000
        assert await asking == b"hello"


async def test_a_busy_loop_loses_no_answer(wall: Wall) -> None:
    """For good: it connects and asks while something else takes more time at each turn than the other side has."""
    pool = Pool(Limits(connect_s=0.02), LazyTls(), wall)
    with beside(HELLO) as raw:
        async with busy(0.03):
            assert [await fetch(pool, raw.url, answer_s=0.02) for _ in range(3)] == [b"hello"] * 3
    await pool.close()
