"""`make test` fails if any share of the tests does, and shows what each of them said."""

from __future__ import annotations

import sys

import pytest

from scripts import run_tests

PROGRAM = "import os, sys; print('ran', *sys.argv[1:]); {end} if sys.argv[2] == '--share=2/2' else None"


@pytest.mark.parametrize(
    ("end", "code"),
    [("None", 0), ("sys.exit(1)", 1), ("sys.exit(5)", 5), ("sys.stdout.flush(), os.kill(os.getpid(), 9)", -9)],
)
async def test_the_worst_end_counts(capsys, end, code):
    """A failure, no tests at all, a process that was killed."""
    assert await run_tests.run_all(["-c", PROGRAM.format(end=end), "-x"]) == code
    printed = capsys.readouterr().out
    assert [f"ran -x --share={number}/2\n" in printed for number in (1, 2)] == [True, True]


@pytest.mark.parametrize("measured", [False, True])
def test_coverage_measures_where_it_is_asked_for(monkeypatch, measured):
    """Other options go to pytest."""
    asked = []

    async def run_all(command):
        asked.append(command)
        return 3

    monkeypatch.setattr(run_tests, "run_all", run_all)
    monkeypatch.setattr(sys, "argv", ["run_tests", *(["--measured"] if measured else []), "-m", "not litellm"])
    assert run_tests.main() == 3
    by = ["-m", "coverage", "run"] if measured else []
    assert asked == [[*by, *run_tests.PYTEST, "-m", "not litellm"]]
