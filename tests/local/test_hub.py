"""What workers tell each other: one stream of events with one numbering, and bells."""

import asyncio
import threading
from contextlib import contextmanager

from gateway_core.store.jobs import JobName
from gateway_core.telemetry.events import StoreDegraded
from local.hub import Frames, Hub, Ping, Rung, Spoke, frame
from tests.patience import patience

JOB = JobName("alpha", "j-1")


@contextmanager
def attended(hub):
    """The hub does its work in a thread."""
    over = threading.Event()

    def work():
        while not over.is_set():
            hub.attend(0.01)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def one_event(number):
    """An event that tells which one it is."""
    return StoreDegraded(at_ms=number, project_id="alpha", request_id=f"req_{number}")


def spoke_of(hub, worker, pulse=lambda work: work()):
    """A worker of the hub, in this process."""
    spoke = Spoke()
    spoke.connect(hub.connect(worker), pulse)
    return spoke


async def heard(spoke, number, after=0):
    """So many entries, as a watcher sees them."""
    found = []
    async with asyncio.timeout(patience(20)):
        async for entry in spoke.read(after):
            found.append((entry.number, entry.event))
            if len(found) == number:
                return found
    return found


async def test_every_worker_shows_the_same_stream():
    """Whoever has told an event, and whenever the worker began."""
    hub = Hub(kept=3)
    first, second = spoke_of(hub, 1), spoke_of(hub, 2)
    with attended(hub):
        await first.emit([one_event(1), one_event(2)])
        assert await heard(second, 2) == [(1, one_event(1)), (2, one_event(2))]
        await second.emit([one_event(3)])
        await second.emit([one_event(4)])
        assert await heard(first, 2, after=2) == [(3, one_event(3)), (4, one_event(4))]
    third = spoke_of(hub, 2)  # takes the place of one that died
    with attended(hub):
        assert [number for number, _event in await heard(third, 3)] == [2, 3, 4]
        assert third.last == 4
    hub.close()


async def test_a_bell_rings_everywhere():
    """Wherever the job was accepted, who works on jobs hears of it."""
    hub, rung = Hub(), threading.Event()
    first, second = spoke_of(hub, 1), spoke_of(hub, 2)
    second.on_ring(lambda name: rung.set() if name == JOB else None)
    with attended(hub):
        first.ring(JOB)
        assert await asyncio.to_thread(rung.wait, patience(20))
    hub.close()


def test_a_worker_is_asked_whether_its_loop_turns():
    """One whose loop stands still does not answer; one that is not there either."""
    hub, waiting, pinged = Hub(), [], threading.Event()
    spoke_of(hub, 1)
    spoke_of(hub, 2, lambda work: (waiting.append(work), pinged.set()))
    hub.ping(7)
    while hub.answered(1) < 7 or not pinged.is_set():
        hub.attend(0.05)
    assert (hub.answered(1), hub.answered(2), hub.answered(3)) == (7, 0, 0)
    waiting[0]()
    while hub.answered(2) < 7:
        hub.attend(0.05)
    hub.close()


def test_a_worker_that_is_gone_disturbs_nobody():
    """Its end closes; the others go on."""
    hub = Hub()
    end = hub.connect(1)
    end.close()
    spoke_of(hub, 2)
    hub.ping(1)
    while hub.answered(2) < 1:
        hub.attend(0.05)
    assert hub.answered(1) == 0
    hub.close()


def test_a_worker_that_does_not_listen_costs_no_memory_without_end():
    """What it does not take is kept for a while, and then is not."""
    hub = Hub()
    end = hub.connect(1)
    size = len(frame(Rung(JobName("alpha", "x" * 1_000_000))))
    for _ in range(20):
        hub._send_all(Rung(JobName("alpha", "x" * 1_000_000)))
    assert len(hub._lines[1].waiting) <= 8 * 1024 * 1024 + size
    end.close()
    hub.close()


def test_frames_come_in_any_pieces():
    """A stream of bytes has no borders."""
    frames, sent = Frames(), [Ping(1), Rung(JOB), Ping(2)]
    whole = b"".join(map(frame, sent))
    assert [message for byte in whole for message in frames.feed(bytes([byte]))] == sent
