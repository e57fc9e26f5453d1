"""`make test` fails if any share of the tests does, and shows what each of them said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = """
import pytest
from tests.processes import Processes

def pytest_configure(config):
    config.pluginmanager.register(Processes(3, lambda nodeid: int(nodeid[-1])))
"""
TESTS = """
import os
import pytest

def test_0(): print("zero") or {first}

def test_1(): print("one") or {second}

def test_also_1(): pass

{third}
"""
LEFT = """
import os
import signal

FIRST = os.getpid()

def test_0(): signal.pause()

def test_1():
    os.write({writing}, b"began")
    while os.getppid() == FIRST:
        os.sched_yield()

def test_also_1(): os.write({writing}, b"went on")

def test_2(): pass
"""
FAILS = "pytest.fail('no')"
ONE = "def test_2(): pass"
COMMAND = (sys.executable, "-m", "pytest", "-q", "--capture=sys", "-p", "no:cacheprovider")
ENVIRON = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def _run(folder: Path, first: str, second: str = "None", third: str = ONE) -> subprocess.CompletedProcess[str]:
    """`pytest` of a folder with four tests, each of the share by which its name ends."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_some.py").write_text(TESTS.format(first=first, second=second, third=third))
    return subprocess.run(COMMAND, cwd=folder, env=ENVIRON, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("first", "second", "third", "code", "said"),
    [
        ("None", "os.kill(os.getpid(), 9)", f"def test_2(): {FAILS}", 256 - 9, ["1 passed", "", "1 failed"]),
        pytest.param(FAILS, "None", ONE, 1, ["1 failed", "2 passed", "1 passed"], marks=pytest.mark.long),
        pytest.param("None", "None", ONE, 0, ["1 passed", "2 passed", "1 passed"], marks=pytest.mark.long),
        pytest.param("None", "None", "", 5, ["1 passed", "2 passed", "no tests ran"], marks=pytest.mark.long),
    ],
)
def test_the_worst_end_counts(tmp_path, first, second, third, code, said):
    """A failure in any, a process that was killed, a share without tests; each test ran in its share only."""
    done = _run(tmp_path, first, second, third)
    _, *shares = done.stdout.split("shares of the tests run")[1].split("ended with")
    ends = [done.stdout.split("\nShare 2")[0], *shares]
    assert done.returncode == code, done.stdout + done.stderr
    assert [line for end, line in zip(ends, said, strict=True) if line not in end] == []


@pytest.mark.long
def test_who_outlives_the_first_process_ends_with_its_test(tmp_path):
    """Whoever stops `make test` may stop the first process alone."""
    reading, writing = os.pipe()
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(LEFT.format(writing=writing))
    first = subprocess.Popen(COMMAND, cwd=tmp_path, env=ENVIRON, pass_fds=[writing], stdout=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading, "rb") as said:
        assert said.read(5) == b"began"
        first.kill()
        first.wait()
        assert said.read() == b""  # and there is an end: nobody is left who could write


@pytest.mark.long
def test_what_cannot_be_collected_is_said_once(tmp_path):
    """No process begins."""
    done = _run(tmp_path, "(")
    assert (done.returncode, done.stdout.count("SyntaxError"), "Share 2" in done.stdout) == (2, 1, False)
