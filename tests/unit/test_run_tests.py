"""`make test` fails if any share of the tests does, and shows what each of them said."""

from __future__ import annotations

import pytest

from scripts import run_tests

PROGRAM = "import os, sys; print('ran', *sys.argv[1:]); {end} if sys.argv[1] == '--share=2/2' else None"


@pytest.mark.parametrize(
    ("end", "code"),
    [("None", 0), ("sys.exit(1)", 1), ("sys.exit(5)", 5), ("sys.stdout.flush(), os.kill(os.getpid(), 9)", -9)],
)
async def test_the_worst_end_counts(monkeypatch, capsys, end, code):
    """A failure, no tests at all, a process that was killed."""
    monkeypatch.setattr(run_tests, "PYTEST", ("-c", PROGRAM.format(end=end)))
    assert await run_tests.run_all(["-x"]) == code
    printed = capsys.readouterr().out
    assert [f"ran --share={number}/2 -x\n" in printed for number in (1, 2)] == [True, True]
