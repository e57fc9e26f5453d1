"""Parts in processes of their own: how they start, fail and end, and that they outlive nobody."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from local.environment import processors
from tests.patience import patience

ROOT = Path(__file__).parents[2]
PROGRAM = """
import contextlib, os, signal, sys, threading
from local.children import ChildError, Children
from local.flag import Flag

@contextlib.contextmanager
def part(stop):
    yield f"pid {os.getpid()}"

@contextlib.contextmanager
def broken(stop):
    raise ValueError("no room")
    yield ""

@contextlib.contextmanager
def lost(stop):
    os._exit(3)
    yield ""

@contextlib.contextmanager
def deaf(stop):
    yield "deaf"
    threading.Event().wait()

@contextlib.contextmanager
def brief(stop):
    stop.set()
    yield "brief"
"""


def ran(code):
    """What a program with these parts prints."""
    command = [sys.executable, "-c", PROGRAM + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=patience(60), check=True, cwd=ROOT)
    assert not done.stderr
    return done.stdout


def test_a_child_serves_until_it_is_told_to_end():
    """And says where; its exit code is 0 then."""
    code = """
children = Children()
with children.serving("one", part) as (child, address):
    print(address == f"pid {child.pid}", child.has_ended())
print(child.status)
"""
    assert ran(code).split("\n")[:2] == ["True False", "0"]


@pytest.mark.parametrize(("part", "reason"), [("broken", "no room"), ("lost", "the lost ended before it served")])
def test_what_does_not_start_says_why(part, reason):
    """Its own words, if it had any left."""
    code = f"""
try:
    with Children().serving("the {part}", {part}):
        pass
except ChildError as error:
    print(error)
"""
    assert ran(code).strip() == reason


def test_a_child_that_does_not_end_is_killed():
    """After its time."""
    code = """
with Children().serving("deaf", deaf, stop_timeout_s=0.1) as (child, _address):
    pass
print(child.status)
"""
    assert int(ran(code)) == -signal.SIGKILL


def test_a_child_that_cannot_go_on_is_seen():
    """It ends by itself, and not well."""
    code = """
with Children().serving("brief", brief) as (child, _address):
    while not child.has_ended():
        pass
    print(child.status)
"""
    assert int(ran(code)) == 1


@pytest.mark.parametrize("how", ["SIGKILL", "SIGINT"])
def test_children_end_with_their_parent_and_not_by_the_terminal(how):
    """However the parent ends. Ctrl-C, which the terminal sends to all, is the parent's affair."""
    code = f"""
with Children().serving("one", part) as (one, _), Children().serving("two", part) as (two, _):
    print(one.pid, two.pid, flush=True)
    if "{how}" == "SIGKILL":
        os.kill(os.getpid(), signal.SIGKILL)
    one.tell(signal.SIGINT)
    two.tell(signal.SIGHUP)
    print(one.has_ended(), two.has_ended())
print(one.status, two.status)
"""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM + code], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        printed, _ = process.communicate(timeout=patience(60))  # ends once nobody holds its output any more
    if how == "SIGINT":
        assert printed.split("\n")[1:3] == ["False False", "0 0"]
    assert process.returncode == (-signal.SIGKILL if how == "SIGKILL" else 0)


def test_a_child_that_is_told_to_end_tells_its_parent():
    """A supervisor tells all of them at once, and one has to know the order; who may leave by itself does."""
    code = """
told = Flag()
signal.signal(signal.SIGTERM, lambda _number, _frame: told.set())
children = Children()
with children.serving("one", part) as (one, _):
    one.tell(signal.SIGTERM)
    told.wait()
    print(one.has_ended())
child = children.fork("worker", part, leaves=True)
child.address()
child.tell(signal.SIGTERM)
while not child.has_ended():
    pass
print(one.status, child.status)
"""
    assert ran(code).splitlines() == ["False", "0 0"]


def test_one_is_elected_and_its_place_taken():
    """The second begins when the first has ended, and not before; what it began ends with it."""
    code = """
import tempfile
from local.election import elected

lock = tempfile.TemporaryFile()
told, tell = os.pipe()

@contextlib.contextmanager
def candidate(stop):
    def begin(entered):
        os.write(tell, b"+")
        entered.callback(os.write, tell, b"-")
    with elected(lock, begin):
        yield ""

children = Children()
with children.serving("one", candidate) as (one, _):
    first = os.read(told, 1)
    with children.serving("two", candidate) as (two, _):
        one.tell(signal.SIGKILL)
        print(first + os.read(told, 1))
print(os.read(told, 10))
"""
    assert ran(code).split() == ["b'++'", "b'-'"]


@pytest.mark.parametrize(
    ("text", "most"),
    [("200000 100000", 2), ("50000 100000", 1), ("250000 100000", 3), ("max 100000", None), ("", None)],
)
def test_a_quota_counts_as_so_many_processors(tmp_path, text, most):
    """A container may have fewer than the machine."""
    there = os.cpu_count()
    limit = tmp_path / "cpu.max"
    limit.write_text(text)
    assert processors(limit) == (there if most is None else min(there, most))
    assert processors(tmp_path / "missing") == there
