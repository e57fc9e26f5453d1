"""Who looks after workers: replaces those that died, and gives up those whose loop stands still."""

import signal
import socket
from contextlib import closing

import pytest

from local.children import Children
from local.environment import StackError, read
from local.hub import Hub
from local.workers import PING_S, STUCK_S, Workers, _Worker


class Quiet(Hub):
    """A hub whose workers answer when the test says so."""

    def __init__(self):
        super().__init__()
        self.said = {}
        self.pings = []

    def ping(self, number):
        self.pings.append(number)

    def answered(self, worker):
        return self.said.get(worker, 0)


class Someone:
    """A worker's process, as far as it is looked at."""

    def __init__(self, name):
        self.name = name
        self.pid = 0
        self.status = None
        self.told = []

    def has_ended(self):
        return self.status is not None

    def tell(self, number):
        self.told.append(number)

    def release(self):
        self.told.append("released")


class Watched(Workers):
    """Two workers that need no processes."""

    def __init__(self, sock):
        super().__init__(Children(), 2, None, sock, None, None, 1)
        self._hub.close()
        self._hub = Quiet()
        self.begun = []
        for index in (1, 2):
            self._begin(index)

    def _begin(self, index):
        self.begun.append(index)
        self._workers[index] = _Worker(Someone(f"worker {index}"), 1000.0)

    def child(self, index):
        return self._workers[index].child

    def look(self, now_s):
        self._pinged_s = min(self._pinged_s, now_s)
        self._look_after(now_s)


@pytest.fixture
def workers():
    with closing(socket.socket()) as sock:
        made = Watched(sock)
        made._pinged_s = 1000.0
        yield made
        made._lock.close()


def test_who_dies_is_replaced_but_not_in_a_hurry(workers, capsys):
    """One that dies as soon as it began would keep the processor busy with beginning."""
    dead = workers.child(2)
    dead.status = -9
    workers.look(1001.0)
    assert workers.begun == [1, 2]
    workers.look(1006.0)
    assert (workers.begun, dead.told) == ([1, 2, 2], ["released"])
    assert "worker 2 has ended (-9)" in capsys.readouterr().err
    assert workers.child(2) is not dead


def test_who_does_not_answer_is_given_up(workers, capsys):
    """After a time in which it could have; whoever answers, however late within it, is left alone."""
    at_s = 1000.0
    while at_s < 1000.0 + PING_S + STUCK_S + 1:
        at_s += 1.0
        workers.look(at_s)
        pings = workers._hub.pings
        workers._hub.said[1] = max(0, len(pings) - 2)  # it lags behind, all the time
    assert signal.SIGKILL in workers.child(2).told
    assert workers.child(1).told == []
    assert "worker 2 has not answered" in capsys.readouterr().err
    assert workers._hub.pings == list(range(1, len(workers._hub.pings) + 1))


@pytest.mark.parametrize(
    ("environ", "workers"),
    [({}, 1), ({"WORKERS": "3"}, 3), ({"HOST": "0.0.0.0", "WORKERS": "1"}, 1), ({"WORKERS": " "}, 1)],
)
def test_how_many(environ, workers):
    """One with `make run`, unless more are wanted."""
    assert read(environ).workers == workers


def test_a_container_has_one_for_each_processor():
    """At least one, and not very many."""
    assert 1 <= read({"HOST": "0.0.0.0"}).workers <= 8


@pytest.mark.parametrize("wrong", ["0", "65", "two", "-1"])
def test_a_wrong_number_is_named(wrong):
    """With what it may be."""
    with pytest.raises(StackError, match="WORKERS must be a number"):
        read({"WORKERS": wrong})
