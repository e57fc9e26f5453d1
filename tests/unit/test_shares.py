"""Processes of `make test` have shares of the files: each file is in one, and nobody waits long for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shares import COSTS, UNMEASURED, is_measured, part_of, share_of, shares

ROOT = Path(__file__).parents[2]
FILES = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/*.py")]


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_file_has_a_share(workers):
    """Those of suites that nobody has thought of as well; no share is empty."""
    found = {share_of(path, workers) for path in [*FILES, "tests/new/test_new.py::test_one"]}
    assert found == set(range(workers))


@pytest.mark.parametrize("workers", [2, 3])
def test_shares_are_about_equal(workers):
    """The last to end has a quarter more than its part at most."""
    loads = [sum(cost for part, cost in COSTS.items() if shares(workers)[part] == one) for one in range(workers)]
    assert max(loads) <= 1.25 * sum(COSTS.values()) / workers


@pytest.mark.parametrize("beginning", [*COSTS, *UNMEASURED])
def test_beginnings_are_those_of_files(beginning):
    """A file that is renamed or moved takes its line along."""
    assert [path for path in FILES if path.startswith(beginning)]


def test_the_longest_beginning_counts():
    """A part of a folder may be in another share."""
    assert part_of("tests/contract/test_store_rates.py") == "tests/contract/test_store"
    assert (part_of("tests/contract/test_cli.py"), part_of("tests/new/test_new.py")) == ("tests/contract", "")


def test_all_is_measured_but_what_is_named():
    """By files and folders."""
    assert is_measured("tests/unit/test_breaker.py::test_one")
    assert not is_measured("tests/e2e/test_newcomer.py::test_one")
