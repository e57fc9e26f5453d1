"""Changes the core in hundreds of places, one at a time, and counts the changes that no test notices.

Nothing is changed in the working tree: what is in it now is copied. All tests run once under coverage, to see which of
them reach what, and once as they will on the mutants. Then each mutant of a sample meets the tests that reach it. Ends
with 1 when too many survive.
"""

from __future__ import annotations

import argparse
import compileall
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Collection, Iterable, Iterator, Sequence
from multiprocessing.pool import Pool
from pathlib import Path

from scripts.mutants.judge import Case, Verdict, judge, source_of
from scripts.mutants.made import Mutant, all_mutants, draw
from scripts.mutants.report import report, score
from scripts.mutants.survey import require_green, survey
from scripts.mutants.trial import PACKAGE

ROOT = Path(__file__).parents[2]
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
PACKAGES = ("domain", "store", "routing", "pipeline")
LEAST_SCORE = 90
SAMPLE = 420
SEED = 1


def main() -> None:
    """Report how the mutants fared."""
    options, began_s = parsed(), time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        tree = copied(Path(name, "tree"))
        made = list(all_mutants(source_of(tree) / PACKAGE, PACKAGES))
        known = equivalents(made)
        made = [mutant for mutant in made if mutant.file.startswith(options.only)]
        sample = draw(made, options.sample, options.seed)
        verdicts = judged([mutant for mutant in sample if mutant.text not in known], tree, Path(name), options.jobs)
    print(report(made, [mutant for mutant in sample if mutant.text in known], verdicts))
    print(f"Seed {options.seed}, {(time.monotonic() - began_s) / 60:.0f} minutes.")
    sys.exit(score(verdicts) < LEAST_SCORE)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=SAMPLE, help="how many mutants (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED, help="which ones (%(default)s)")
    parser.add_argument("--only", default="", help="the file or folder that they are of, such as store/budget.py")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time (%(default)s)")
    return parser.parse_args()


def copied(tree: Path) -> Path:
    """The working tree as it is, without what git ignores; the package is compiled."""
    listed = subprocess.run(
        ("git", "ls-files", "-coz", "--exclude-standard"), cwd=ROOT, capture_output=True, text=True, check=True
    )
    for file in filter(os.path.lexists, (ROOT / name for name in listed.stdout.split("\0") if name)):
        target = tree / file.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target, follow_symlinks=False)
    compileall.compile_dir(source_of(tree), quiet=1)
    return tree


def equivalents(made: Iterable[Mutant]) -> Collection[tuple[str, str, str]]:
    """The texts of mutants that no test can notice. Ends the run if one is no mutant, or has no reason."""
    listed = tomllib.loads(EQUIVALENT.read_text()).get("equivalent", [])
    known = {(one["file"], one["function"], diff.strip()): one["reason"] for one in listed for diff in one["diffs"]}
    if wrong := known.keys() - {mutant.text for mutant in made} or {text for text in known if not known[text]}:
        sys.exit(f"{EQUIVALENT.name} lists what is no mutant, or without a reason: {sorted(wrong)}")
    return known


def judged(mutants: Sequence[Mutant], tree: Path, home: Path, jobs: int) -> Sequence[Verdict]:
    """The verdict on each mutant."""
    context = multiprocessing.get_context("fork")
    with context.Pool(jobs) as pool:
        told("The tests run under coverage.")
        reach, seconds = survey(pool, jobs, tree, home)
        _ended(pool)
    tests = [reach.tests_of(mutant.file, mutant.place) for mutant in mutants]
    cases = [
        Case(mutant, [(test, seconds[test]) for test in reaching], tree, home)
        for mutant, reaching in zip(mutants, tests, strict=True)
    ]
    with context.Pool(jobs) as pool:  # of processes that have the libraries
        told("The tests run as they will on mutants.")
        require_green(pool, jobs, tree, home, reach.in_order(set().union(*tests)))
        verdicts = list(watched(pool.imap_unordered(judge, cases), len(cases)))
        _ended(pool)
    return verdicts


def _ended(pool: Pool) -> None:
    """Let the workers end by themselves: what a pool terminates while it ends complains of that."""
    pool.close()
    pool.join()


def watched(verdicts: Iterable[Verdict], total: int) -> Iterator[Verdict]:
    """The same, told on the way."""
    survived = 0
    for number, verdict in enumerate(verdicts, 1):
        survived += verdict.kind == "survived"
        if number % 20 == 0 or number == total:
            told(f"{number} of {total} mutants, {survived} survived.")
        yield verdict


def told(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
