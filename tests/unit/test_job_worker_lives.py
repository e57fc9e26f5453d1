"""Workers that leave, sleep, lose their job or the store, and die: what they leave behind. In virtual time."""

import asyncio
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.batch.job_recorder import Pace
from gateway_core.domain.errors import StoreUnavailable
from tests.properties import examples
from tests.unit.batches import batches
from tests.unit.jobs import CALL_COST, Bench, Mortal, Provider, Turn, asked
from tests.virtual_time import run


def test_nobody_works_on_what_another_has_or_what_has_ended():
    """By the lease, which a dead worker's job outlives."""
    bench = Bench(asked(1), pace=Pace(lease_ms=15_000))

    async def main():
        await bench.accept()
        now_ms = (await bench.job()).created_ms
        assert await bench.store.claim_job(bench.name, "other", lease_ms=15_000, now_ms=now_ms) == "ours"
        taken = await bench.worker().work(bench.name, time_s=60)
        await asyncio.sleep(15)
        ended = await bench.worker().work(bench.name, time_s=60)
        return taken, ended, await bench.worker("w2").work(bench.name, time_s=60)

    taken, ended, late = run(main())
    assert (taken.state, taken.not_ours) == (None, True)
    assert (ended.state, ended.not_ours) == ("succeeded", False)
    assert (late.state, late.not_ours) == ("succeeded", True)
    assert bench.provider.calls == {1: 1}


def test_a_worker_that_leaves_lets_another_go_on_at_once():
    """A process that is told to stop, as one that has to wait."""
    bench = Bench(asked(3), Provider({2: [Turn("limited", 0.0, 100.0)]}), pace=Pace(lease_ms=10**9))

    async def main():
        await bench.accept()
        first = await bench.worker("w1").work(bench.name, time_s=60)
        stopped = asyncio.create_task(bench.worker("w2").work(bench.name, time_s=60))
        await asyncio.sleep(0.5)
        stopped.cancel()
        await asyncio.wait([stopped])
        return first, await bench.worker("w3").work(bench.name, time_s=60)

    first, last = run(main())
    assert (first.state, first.pause_s) == (None, 100.0)
    assert last.state == "succeeded"


def test_what_is_gone_is_listed_no_more():
    """Nobody looks at it for ever."""
    bench = Bench(asked(1))

    async def main():
        await bench.accept()
        listed = await bench.store.open_jobs()
        bench.store._state.jobs.clear()
        return listed, await bench.work(), await bench.store.open_jobs()

    listed, stay, after = run(main())
    assert listed == [bench.name]
    assert (stay.state, stay.not_ours, after) == (None, True, [])


def test_a_worker_that_lost_its_job_stops_asking():
    """It was away for longer than its lease, and another one goes on."""
    bench = Bench(asked(40), concurrency=1, pace=Pace(lease_ms=3000))

    async def main():
        await bench.accept()
        seen = Mortal(bench.store)
        slow = asyncio.create_task(bench.worker("slow", seen).work(bench.name, time_s=3600))
        await asyncio.sleep(5)
        seen.away = True
        await asyncio.sleep(10)
        other = asyncio.create_task(bench.worker("other").work(bench.name, time_s=3600))
        await asyncio.sleep(0.5)
        seen.away = False
        return await slow, await other, await bench.told()

    slow, other, told = run(main())
    assert (slow.state, slow.not_ours) == (None, True)
    assert other.state == "succeeded"
    assert len(told) == 40


def test_a_worker_that_slept_overwrites_nothing():
    """As a computer that is closed and opened again, while another one goes on with its job."""
    provider = Provider({6: [Turn(takes_s=20.0)]})
    bench = Bench(asked(60), provider, concurrency=2, pace=Pace(lease_ms=3000))

    async def main():
        await bench.accept()
        seen = Mortal(bench.store)
        slow = asyncio.create_task(bench.worker("slow", seen).work(bench.name, time_s=3600))
        await asyncio.sleep(5.5)
        seen.away = True
        await asyncio.sleep(5)
        other = asyncio.create_task(bench.worker("other").work(bench.name, time_s=3600))
        await asyncio.sleep(8.5)
        seen.away = False
        return await slow, await other, await bench.told()

    slow, other, told = run(main())
    assert (slow.state, slow.not_ours) == (None, True)
    assert other.state == "succeeded"
    assert told == {number: f"<{number}>" for number in range(1, 61)}


def test_a_worker_with_little_time_leaves_no_question_half_asked():
    """It asks nobody who might take longer than there is time, and comes back."""
    bench = Bench(asked(30), Provider({n: [Turn(takes_s=100.0)] for n in range(1, 31)}), concurrency=5)

    async def main():
        await bench.accept()
        stay = await bench.worker().work(bench.name, time_s=400)
        return stay, asyncio.get_running_loop().time(), len(await bench.told())

    stay, left_s, answered = run(main())
    assert (stay.state, stay.pause_s) == (None, 0.0)
    assert left_s <= 400
    assert bench.provider.calls.total() == answered == 15


def test_what_is_not_written_when_the_store_is_away_is_written_later():
    """Nothing is asked twice for it."""
    bench = Bench(asked(20), concurrency=2)

    async def main():
        await bench.accept()
        seen = Mortal(bench.store)
        working = asyncio.create_task(bench.worker("w1", seen).work(bench.name, time_s=3600))
        await asyncio.sleep(2.5)
        seen.away = True
        await asyncio.sleep(4)
        seen.away = False
        return await working, await bench.told()

    stay, told = run(main())
    assert stay.state == "succeeded"
    assert len(told) == 20
    assert bench.provider.calls.total() == 20


def test_what_is_answered_while_the_store_is_away_is_not_asked_again():
    """Nobody else can be asked meanwhile: the worker leaves only when it could write what is paid."""
    away = {number: [Turn("limited", 0.0, 5.0)] for number in range(5, 9)}
    bench = Bench(asked(8), Provider(away | {number: [Turn(takes_s=3.0)] for number in range(1, 5)}))

    async def main():
        await bench.accept()
        seen = Mortal(bench.store)
        working = asyncio.create_task(bench.worker("w1", seen).work(bench.name, time_s=3600))
        await asyncio.sleep(1.5)
        seen.away = True
        await asyncio.sleep(60)
        seen.away = False
        return await working, await bench.told(), await bench.work()

    stay, told, last = run(main())
    assert (stay.state, stay.not_ours) == (None, False)
    assert told == {number: f"<{number}>" for number in range(1, 5)}
    assert last.state == "succeeded"
    assert set(bench.provider.calls.values()) == {1}


def test_a_worker_whose_time_is_over_waits_for_no_store():
    """What ran it would kill it."""
    bench = Bench(asked(2), Provider({1: [Turn(takes_s=3.0)], 2: [Turn("limited", 0.0, 5.0)]}))

    async def main():
        await bench.accept()
        seen = Mortal(bench.store)
        working = asyncio.create_task(bench.worker("w1", seen).work(bench.name, time_s=300))
        await asyncio.sleep(1.5)
        seen.away = True
        with pytest.raises(StoreUnavailable):
            await working
        return asyncio.get_running_loop().time()

    assert 300 <= run(main()) < 303


TURNS = st.builds(
    Turn,
    st.sampled_from(["ok", "ok", "limited", "failed", "fatal"]),
    st.sampled_from([0.0, 0.7, 3.0]),
    st.sampled_from([0.0, 2.0, 90.0]),
)


@examples(80)
@given(batches(), st.data(), st.lists(st.floats(0.01, 8), max_size=3), st.integers(1, 4))
def test_whatever_dies_every_question_has_one_answer_and_no_call_is_forgotten(questions, data, lives_s, concurrency):
    """Killed up to three times: a call more than the log knows of is one that a death took, and at most one each."""
    numbers = range(1, len(questions) + 1)
    turns = {number: data.draw(st.lists(TURNS, max_size=3)) for number in numbers}
    bench = Bench(questions, Provider(turns), concurrency, pace=Pace(lease_ms=1000))

    async def main():
        await bench.accept()
        for place, life_s in enumerate(lives_s):
            await _live(bench, f"w{place}", life_s)
            await asyncio.sleep(1.5)
        stay = await bench.work()
        return stay, await bench.answers(), await bench.job()

    stay, answers, job = run(main())
    assert stay.state == job.state == "succeeded"
    assert sorted(answers.known) == list(numbers)
    booked = {number: _calls(answer) for number, answer in answers.known.items()}
    lost = {number: bench.provider.calls[number] - booked[number] for number in numbers}
    assert all(0 <= count <= len(lives_s) for count in lost.values()), lost
    assert sum(lost.values()) <= len(lives_s) * concurrency
    assert job.progress.cost.total_nano == sum(booked.values()) * CALL_COST
    assert job.progress.answered == len(questions)


def _calls(answer):
    return sum(attempt.outcome != "skipped" for attempt in answer.attempts)


async def _live(bench, name, life_s):
    """Work as a process that is killed after so long: what it has not written by then is gone."""
    seen = Mortal(bench.store)
    working = asyncio.create_task(bench.worker(name, seen).work(bench.name, time_s=3600))
    await asyncio.wait([working], timeout=life_s)
    seen.dead = True
    working.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await working


class Slow:
    """The store as a process sees it that does not hear its answer to the first claim."""

    def __init__(self, store):
        self._store = store
        self.heard = asyncio.Event()

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def claim_job(self, *args, **kwargs):
        claim = await self._store.claim_job(*args, **kwargs)
        if not self.heard.is_set():
            self.heard.set()
            await asyncio.Event().wait()
        return claim


@pytest.mark.parametrize("step", ["claim_job", "read_input"])
def test_a_worker_that_is_stopped_at_once_lets_go(step):
    """Also where it does not know yet that the job is its own, or has just begun with it."""
    bench = Bench(asked(1), pace=Pace(lease_ms=10**9))

    async def main():
        await bench.accept()
        store = Slow(bench.store)
        if step == "read_input":
            store.claim_job = bench.store.claim_job

            async def read_input(_name):
                store.heard.set()
                await asyncio.Event().wait()

            store.read_input = read_input
        working = asyncio.create_task(bench.worker(store=store).work(bench.name, time_s=60))
        await store.heard.wait()
        working.cancel()
        await asyncio.wait([working])
        return await bench.worker("w2").work(bench.name, time_s=60)

    assert run(main()).state == "succeeded"
