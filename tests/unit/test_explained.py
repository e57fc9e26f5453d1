"""What failed without values runs again with them, and counts as failed all the same."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests.explained import Explained

def pytest_configure(config):
    if config.getoption("assertmode") == "plain":
        config.pluginmanager.register(Explained())
"""
FAILS = """
def test_fails():
    found = [1, 2]
    assert found == [1, 3]
"""
PASSES_THEN = """
from pathlib import Path

def test_fails_once():
    seen = Path(__file__).with_name("seen")
    if not seen.exists():
        seen.touch()
        raise ValueError("the first time")
"""
IS_CALLED_OTHERWISE = """
import os
import pytest

@pytest.mark.parametrize("number", [os.getpid()])
def test_named(number):
    assert not number
"""
STOPS = """
import pytest

def test_stops(): pytest.exit("no more")
"""
VALUES = "assert [1, 2] == [1, 3]"
PLAIN = (sys.executable, "-m", "pytest", "-q", "--capture=sys", "-p", "no:cacheprovider", "--assert=plain")
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT)}


def _run(folder: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """What pytest says of a folder with one passing test and these."""
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_some.py").write_text("\n".join((*tests, "def test_passes(): pass")))
    environ = {**ENVIRON, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(PLAIN, cwd=folder, env=environ, capture_output=True, text=True, check=False)


def test_the_values_follow_what_failed(tmp_path):
    """Of each failure, and of nothing that passed; who passes then has failed."""
    told = _run(tmp_path, FAILS, PASSES_THEN)
    first, again = told.stdout.split("once more with values")
    assert (VALUES in first, VALUES in again) == (False, True)
    assert "1 failed, 1 passed" in again
    assert "2 failed, 1 passed" in again
    assert ("the first time" in first, told.returncode) == (True, 1)


@pytest.mark.long
def test_one_that_is_called_otherwise_then_hides_no_other(tmp_path):
    """By the number of a process, or the time."""
    told = _run(tmp_path, FAILS, IS_CALLED_OTHERWISE)
    assert VALUES in told.stdout.split("once more with values")[1]


@pytest.mark.long
def test_who_stops_all_waits_for_no_values(tmp_path):
    """Nothing runs again."""
    told = _run(tmp_path, FAILS, STOPS)
    assert ("once more" in told.stdout, told.returncode) == (False, 2)


@pytest.mark.long
def test_make_test_shows_them():
    """With its own options, and what `tests/conftest.py` makes of them."""
    asked = (shutil.which("make") or "", "-n", "unit")
    alone = {"PATH": os.environ["PATH"]}  # without what another make asks for
    recipe = subprocess.run(asked, cwd=ROOT, env=alone, capture_output=True, text=True, check=True).stdout
    with tempfile.TemporaryDirectory(dir=ROOT / ".venv") as folder:  # names of tests are those below the root
        Path(folder, "test_some.py").write_text(FAILS)
        command = [*shlex.split(recipe.splitlines()[-1]), "-p", "tests.conftest", folder]
        told = subprocess.run(command, cwd=ROOT, env=ENVIRON, capture_output=True, text=True, check=False)
    first, again = told.stdout.split("once more with values")
    assert "--assert=plain" in command
    assert (VALUES in first, VALUES in again, told.returncode > 0) == (False, True, True)
