"""Processes of `make test` have shares of the files: each file is in one, and nobody waits long for another."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.shares import COSTS, UNMEASURED, has_some, is_measured, part_of, runs, shares

ROOT = Path(__file__).parents[2]
FILES = [path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/**/*.py")]


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_each_file_is_in_one_share(workers):
    """Those of suites that nobody has thought of as well."""
    for path in [*FILES, "tests/new/test_new.py"]:
        assert sum(runs(path, f"{number}/{workers}") for number in range(1, workers + 1)) == 1, path


@pytest.mark.parametrize("workers", [2, 3])
def test_a_share_has_the_folders_of_its_files(workers):
    """And leaves those that have none of them alone."""
    for number in range(1, workers + 1):
        share = f"{number}/{workers}"
        ours = [path for path in [*FILES, "tests/new/test_new.py"] if runs(path, share)]
        above = {folder.as_posix() for path in ours for folder in Path(path).parents}
        assert all(has_some(folder, share) for folder in above - {"."})
    assert sum(has_some("tests/functions/mcp_front", f"{number}/{workers}") for number in range(1, workers + 1)) == 1


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
