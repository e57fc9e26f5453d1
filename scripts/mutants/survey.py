"""Runs all tests on the code as it is: once to see what they reach, once to see that they pass."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Literal

from scripts.mutants.judge import source_of
from scripts.mutants.reach import Reach
from scripts.mutants.trial import PACKAGE, Outcome, Trial, log_of, preload, run

TESTS = (
    "tests/unit/**/test_*.py",
    "tests/functions/**/test_*.py",
    "tests/contract/test_store*.py",
    "tests/contract/test_upstash*.py",
    "tests/contract/test_degraded*.py",
    "tests/contract/test_model_lists.py",
)
"""Those of the core and what is built on it. LiteLLM's take long, and reach next to nothing else."""


def survey(pool: Pool, jobs: int, tree: Path, home: Path) -> tuple[Reach, Mapping[str, float]]:
    """What the tests reach, and the seconds that each takes. Their libraries are imported here from then on."""
    files = sorted(path.relative_to(tree).as_posix() for pattern in TESTS for path in tree.glob(pattern))
    trials = _trials("survey", files, jobs, tree, home)
    outcomes = _outcomes(pool, trials)
    seconds = {test: took_s for outcome in outcomes for test, took_s in outcome.seconds.items()}
    package = source_of(tree) / PACKAGE
    reach = Reach(package, seconds, tree)
    for trial in trials:
        reach.add(trial.coverage, package)
    preload(chain.from_iterable(outcome.libraries for outcome in outcomes))
    return reach, seconds


def require_green(pool: Pool, jobs: int, tree: Path, home: Path, tests: Sequence[str]) -> None:
    """End the run when a test fails without any mutant, run as it will be with one."""
    trials = _trials("all", tests, jobs, tree, home)
    outcomes = _outcomes(pool, trials)
    # Once more, in the same company: a busy machine is no failure.
    again = [trial for trial, outcome in zip(trials, outcomes, strict=True) if outcome.failed]
    if red := _failed(outcomes) & _failed(_outcomes(pool, again)):
        logs = "\n".join(log_of(trial) for trial in again)
        sys.exit(f"{logs}\nThese tests fail on the code as it is:\n" + "\n".join(sorted(red)))


def _failed(outcomes: Iterable[Outcome]) -> set[str]:
    return {test for outcome in outcomes for test in outcome.failed}


def _trials(mode: Literal["survey", "all"], tests: Sequence[str], jobs: int, tree: Path, home: Path) -> Sequence[Trial]:
    return [Trial(tree, source_of(tree), home / f"{mode}-{n}", tests[n::jobs], mode) for n in range(jobs)]


def _outcomes(pool: Pool, trials: Sequence[Trial]) -> Sequence[Outcome]:
    outcomes = pool.map(run, trials, chunksize=1)
    for outcome in outcomes:
        if outcome.broken or outcome.timed_out:
            sys.exit(f"The tests do not run on the code as it is: {outcome.broken or outcome.failed}")
    return outcomes
