"""Judges mutants: whether a test fails because of them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scripts.mutants.trial import PACKAGE, Outcome, Trial, run

if TYPE_CHECKING:
    from scripts.mutants.made import Mutant  # whose parser takes a second to load, and tests need none

FIRST_TESTS = 30
"""Most mutants fall to one of the first tests; the others' files need not be read for that."""


@dataclass(frozen=True)
class Case:
    """A mutant and the tests that reach it, in their order, each with its seconds. `home` has room for a folder."""

    mutant: Mutant
    tests: Sequence[tuple[str, float]]
    tree: Path
    home: Path


@dataclass(frozen=True)
class Verdict:
    """How it ended, and what there is to say of it."""

    mutant: Mutant
    kind: Literal["killed", "timeout", "survived"]
    note: str = ""


def judge(case: Case) -> Verdict:
    """Let the tests run on a copy of the package that has the mutant in it."""
    with tempfile.TemporaryDirectory(dir=case.home) as name:
        source = Path(name, "src")
        shutil.copytree(source_of(case.tree), source)
        mutated = source / PACKAGE / case.mutant.file
        mutated.write_text(case.mutant.code)
        Path(importlib.util.cache_from_source(str(mutated))).unlink()
        return _tried(case, Trial(case.tree, source, Path(name, "trial"), (), "first"))


def is_importable(source: Path, file: str) -> bool:
    """Whether the module of a file of the package below `source` can be imported, by itself."""
    name = ".".join((PACKAGE, *Path(file).with_suffix("").parts)).removesuffix(".__init__")
    command, environment = (sys.executable, "-c", f"import {name}"), {**os.environ, "PYTHONPATH": str(source)}
    try:
        done = subprocess.run(command, check=False, cwd=source, env=environment, capture_output=True, timeout=60)
    except subprocess.TimeoutExpired:
        return True  # that says nothing
    return not done.returncode


def source_of(tree: Path) -> Path:
    """Where a tree of the project has the package."""
    return tree / "layers/gateway_core/src"


def _tried(case: Case, trial: Trial) -> Verdict:
    left = list(case.tests)
    while left:
        batch = left[:FIRST_TESTS] if len(left) == len(case.tests) else left
        outcome = _run(trial, batch)
        if outcome.broken and not is_importable(trial.source, case.mutant.file):
            return Verdict(case.mutant, "killed", "It cannot be imported.")
        if outcome.broken:
            return Verdict(case.mutant, "survived", f"The run broke, which says nothing: {outcome.broken}")
        if outcome.passed:
            left = left[len(batch) :]
        elif not outcome.failed:
            return Verdict(case.mutant, "timeout", "All in all.")
        elif kind := _confirmed(trial, outcome.failed[0]):
            return Verdict(case.mutant, kind, outcome.failed[0])
        else:
            left = _without(left, outcome.failed[0])
    return Verdict(case.mutant, "survived", f"{len(case.tests)} tests reach it.")


def _confirmed(trial: Trial, test: str) -> Literal["killed", "timeout", ""]:
    """Whether a test that failed fails again, by itself, and does not where there is no mutant.

    Neither a busy machine nor a test that needs another one's traces must pass for a good test.
    """
    outcome = _run(trial, [(test, 60)])
    if outcome.broken or outcome.passed or not _passes_without_mutant(trial.tree, trial.folder.parents[1], test):
        return ""
    return "timeout" if outcome.timed_out else "killed"


@cache
def _passes_without_mutant(tree: Path, home: Path, test: str) -> bool:
    return _run(Trial(tree, source_of(tree), home / f"control-{os.getpid()}", (), "first"), [(test, 60)]).passed


def _run(trial: Trial, tests: Sequence[tuple[str, float]]) -> Outcome:
    limit_s = 60 + 5 * sum(seconds for _test, seconds in tests)
    return run(replace(trial, tests=[test for test, _seconds in tests], limit_s=limit_s))


def _without(tests: Iterable[tuple[str, float]], failed: str) -> list[tuple[str, float]]:
    """The others: a test was not confirmed, or a file."""
    return [(test, seconds) for test, seconds in tests if test != failed and not test.startswith(f"{failed}::")]
