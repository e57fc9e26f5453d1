"""Work that goes on beside who waits for it, and work that has begun before it is waited for."""

import asyncio

import pytest

from gateway_core.waiting import Aside, Begun, Patience


async def turns_until(task):
    """How many turns of the event loop it takes."""
    turns = 0
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    return turns


async def ends(at, value="done"):
    await at.wait()
    return value


class TestAside:
    async def test_what_never_waits_is_there_at_once(self):
        """Without a turn of the event loop."""

        async def quick():
            return 7

        aside = Aside(quick())
        assert aside.task.done()
        assert await aside.result() == 7

    async def test_its_error_is_its_result(self):
        """However it comes."""

        async def fails():
            await asyncio.sleep(0)
            raise ValueError("broken")

        with pytest.raises(ValueError, match="broken"):
            await Aside(fails()).result()

    async def test_it_outlives_who_waits(self):
        """Cancelled twice, and there for the third."""
        at = asyncio.Event()
        aside = Aside(ends(at))
        for _ in range(2):
            waiting = asyncio.create_task(aside.result())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            assert not aside.task.done()
        at.set()
        assert await aside.result() == "done"

    async def test_a_cancelling_as_it_ends_takes_nothing_away(self):
        """Who waits is cancelled all the same."""
        at = asyncio.Event()
        aside = Aside(ends(at))
        waiting = asyncio.create_task(aside.result())
        await asyncio.sleep(0)
        at.set()
        await asyncio.sleep(0)
        assert aside.task.done()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await aside.result() == "done"

    async def test_who_waits_goes_on_a_turn_earlier(self):
        """Than with asyncio's shield, which is what it is for."""

        async def turns(wait):
            at = asyncio.Event()
            waiting = asyncio.create_task(wait(at))
            await asyncio.sleep(0)
            at.set()
            return await turns_until(waiting)

        async def shielded(at):
            return await asyncio.shield(ends(at))

        async def aside(at):
            return await Aside(ends(at)).result()

        assert await turns(aside) < await turns(shielded)

    async def test_waiting_can_be_ended_from_outside(self):
        """And the work goes on."""
        at = asyncio.Event()
        aside = Aside(ends(at))
        aside.wake()  # nobody waits
        waiting = asyncio.create_task(aside.ended())
        await asyncio.sleep(0)
        aside.wake()
        aside.wake()
        await waiting
        assert not aside.task.done()
        at.set()
        assert await aside.result() == "done"


class TestBegun:
    async def test_it_has_run_to_its_first_wait(self):
        """In the same task, so that its deadlines are that task's."""
        seen, at = [], asyncio.Event()

        async def work():
            seen.append(asyncio.current_task())
            await at.wait()
            await asyncio.sleep(0)
            return len(seen)

        begun = Begun(work())
        assert seen == [asyncio.current_task()]
        asyncio.get_running_loop().call_soon(at.set)
        assert await begun == 1

    async def test_what_it_waits_for_may_come_before_it_is_awaited(self):
        """Nothing is missed."""
        at = asyncio.Event()
        begun = Begun(ends(at))
        at.set()
        await asyncio.sleep(0)
        assert await begun == "done"

    async def test_what_never_waits(self):
        """Its result is kept until somebody asks."""

        async def quick():
            return 7

        assert await Begun(quick()) == 7

    @pytest.mark.parametrize("turns", [0, 1])
    async def test_an_error_is_raised_where_it_is_awaited(self, turns):
        """Whether it came at once or later."""

        async def fails():
            for _ in range(turns):
                await asyncio.sleep(0)
            raise ValueError("broken")

        begun = Begun(fails())
        with pytest.raises(ValueError, match="broken"):
            await begun

    async def test_it_hears_that_it_is_cancelled(self):
        """And may put its things in order."""
        heard = []

        async def work():
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                heard.append("cancelled")
                raise

        async def waits():
            await Begun(work())

        task = asyncio.create_task(waits())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert heard == ["cancelled"]

    async def test_a_deadline_within_it_holds(self):
        """It is the current task that is waited in."""

        async def late():
            with Patience().within(0):
                await asyncio.Event().wait()

        with pytest.raises(TimeoutError):
            await Begun(late())
