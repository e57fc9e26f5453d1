"""What works on jobs beside the stack, and how it is stopped. tests/e2e stops the whole."""

import asyncio
import threading

from local.working import working


class Careful:
    """Writes what it knows when it is stopped, in several steps, as a `JobLoop` does."""

    def __init__(self):
        self.begun = threading.Event()
        self.written = []

    async def run(self):
        self.begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for step in range(5):
                await asyncio.sleep(0.001)
                self.written.append(step)


def test_what_is_known_is_written_when_it_is_stopped():
    """All of it, before the block is left: nothing cuts a step short."""
    loop = Careful()
    with working(loop):
        assert loop.begun.wait(10)
    assert loop.written == [0, 1, 2, 3, 4]
