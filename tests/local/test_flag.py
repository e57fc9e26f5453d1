"""What a signal's handler may set while its own thread waits for it."""

import subprocess
import sys
import threading
from pathlib import Path

from local.flag import Flag
from tests.patience import patience

ROOT = Path(__file__).parents[2]
PROGRAM = """
import signal
from local.flag import Flag

for microseconds in range(1, 2000):
    flag = Flag()
    signal.signal(signal.SIGALRM, lambda _number, _frame: flag.set())
    signal.setitimer(signal.ITIMER_REAL, microseconds / 1_000_000)
    assert flag.wait()
print("all")
"""


def test_it_is_waited_for_until_it_is_set():
    """By all who wait, and by who comes later; setting it again changes nothing."""
    flag, went_on = Flag(), []
    assert [flag.is_set(), flag.wait(0)] == [False, False]
    waiting = [threading.Thread(target=lambda: went_on.append(flag.wait(patience(60)))) for _ in range(3)]
    for thread in waiting:
        thread.start()
    flag.set()
    flag.set()
    for thread in waiting:
        thread.join()
    assert (went_on, flag.wait(), flag.is_set()) == ([True] * 3, True, True)


def test_a_signal_may_come_at_any_moment():
    """Also while the thread is about to wait: with `threading.Event` this hangs."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=patience(60), check=True
    )
    assert done.stdout == "all\n"
