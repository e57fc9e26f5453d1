"""Runs tests in a forked process, on the package of a folder of its own.

What forks has imported the libraries, and nothing of the gateway. So a trial begins in a second, and its code is fresh.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import importlib.util
import json
import os
import resource
import signal
import sys
import sysconfig
import time
import traceback
import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, NoReturn

import hypothesis
import pytest
from hypothesis.internal.conjecture import engine

PACKAGE = "gateway_core"
_TEST_LIMIT_S = 30
_MOST_MEMORY = 8 << 30
_OPTIONS = (
    *("-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", f"--timeout={_TEST_LIMIT_S}"),
    *("--hypothesis-seed=0", f"--hypothesis-profile={PACKAGE}"),
    # The forking process has them, so this is as it should be.
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)
_OPTIONS_OF = {
    "survey": (f"--cov={PACKAGE}", "--cov-context=test", "--cov-report="),
    "all": (),
    "first": ("--exitfirst",),
}


@dataclass(frozen=True)
class Trial:
    """Tests (IDs, in the order to run them in, or files) of the project in `tree`, on the package below `source`.

    `folder` takes all that is written. Until which test it goes, and whether what they run is noted, is the `mode`.
    """

    tree: Path
    source: Path
    folder: Path
    tests: Sequence[str]
    mode: Literal["survey", "all", "first"]
    limit_s: float = 900

    @property
    def coverage(self) -> Path:
        """What a survey writes."""
        return self.folder / "coverage"


@dataclass(frozen=True)
class Outcome:
    """What failed: tests, and files that cannot be imported. `broken` is why nothing can be said, or ""."""

    failed: Sequence[str] = ()
    timed_out: bool = False
    broken: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    libraries: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        return not (self.failed or self.timed_out or self.broken)


def run(trial: Trial) -> Outcome:
    """Run it, and leave no process behind."""
    trial.folder.mkdir(exist_ok=True)
    (trial.folder / "outcome.json").unlink(missing_ok=True)
    child = os.fork()
    if not child:
        _be(trial)
    try:
        ended = _ends(child, trial.limit_s)
    finally:
        for kill in (os.killpg, os.kill):  # it may not have its group yet
            with contextlib.suppress(ProcessLookupError):
                kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    try:
        return Outcome(**json.loads((trial.folder / "outcome.json").read_text()))
    except FileNotFoundError:
        return Outcome(broken=f"it ended before pytest did:\n{_tail(trial)}") if ended else Outcome(timed_out=True)


def _ends(child: int, limit_s: float) -> bool:
    """Whether the process ends in time. It stays to be waited for: until then its number is nobody else's."""
    end_s = time.monotonic() + limit_s
    while time.monotonic() < end_s:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return True
        time.sleep(0.02)
    return False


def _tail(trial: Trial) -> str:
    return "\n".join((trial.folder / "log").read_text(errors="replace").splitlines()[-30:])


def _be(trial: Trial) -> NoReturn:
    """What the forked process does."""
    try:
        _settle_in(trial)
        (trial.folder / "outcome.json").write_text(json.dumps(asdict(_outcome(trial))))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(0)  # what the other process would do at its end is not to be done here


def _settle_in(trial: Trial) -> None:
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with (trial.folder / "log").open("wb") as log, Path(os.devnull).open("rb") as nothing:
        for old, new in ((nothing, 0), (log, 1), (log, 2)):
            os.dup2(old.fileno(), new)
    # Some mutants never stop to allocate.
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    os.environ |= {
        "PYTHONPATH": str(trial.source),  # tests start processes, too
        "COVERAGE_FILE": str(trial.coverage),
        "COVERAGE_CORE": "ctrace",  # the newer one sees a line once, not once a test
    }
    sys.path[:] = [str(trial.source), *(path for path in sys.path if path not in {"", str(Path.cwd())})]
    os.chdir(trial.tree)


def _outcome(trial: Trial) -> Outcome:
    found = importlib.util.find_spec(PACKAGE)
    if PACKAGE in sys.modules or not found or not Path(str(found.origin)).is_relative_to(trial.source):
        return Outcome(broken=f"{PACKAGE} is not the one of {trial.source}")
    hypothesis.settings.register_profile(
        PACKAGE,
        database=None,
        deadline=None,  # a busy machine is no failure
        suppress_health_check=list(hypothesis.HealthCheck),
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    )
    engine.MAX_SHRINKING_SECONDS = 0  # nobody reads the examples of those tests that ask for small ones
    watch = _Watch(trial.tests)
    # Sorted, as pytest 9.1 loses the conftest of a folder that it comes to by way of another one's file.
    files = sorted({test.partition("::")[0] for test in trial.tests})
    options = (*_OPTIONS, *_OPTIONS_OF[trial.mode], f"--basetemp={trial.folder / 'tmp'}")
    code = pytest.main([*options, *files], plugins=[watch])
    broken = "" if watch.explains(code) else f"pytest ended with {code}:\n{_tail(trial)}"
    libraries = _libraries() if trial.mode == "survey" else ()
    return Outcome(watch.failed, watch.timed_out, broken, watch.seconds, libraries)


class _Watch:
    """A plugin of pytest: picks the tests, puts them into their order and notes how they end."""

    def __init__(self, tests: Iterable[str]) -> None:
        self._places = {test: place for place, test in enumerate(tests) if "::" in test}
        self.failed: list[str] = []
        self.timed_out = False
        self.seconds: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(trylast=True)  # after pytest's own sorting, by fixtures
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._places:
            items[:] = [item for item in items if item.nodeid in self._places]
            items.sort(key=lambda item: self._places[item.nodeid])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        self._note(report)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        self._note(report)

    def _note(self, report: pytest.CollectReport | pytest.TestReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)
            self.timed_out |= "Timeout (>" in report.longreprtext

    def explains(self, code: int) -> bool:
        """Whether pytest ended as the tests have it: all of them passed, or one did not."""
        if code == pytest.ExitCode.OK:
            return not self._places or self.seconds.keys() == self._places.keys()
        return bool(self.failed) and code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED}


def _libraries() -> tuple[str, ...]:
    """The installed modules that the tests have loaded."""
    files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.copy().items()}
    return tuple(name for name, file in files.items() if file.startswith(sysconfig.get_path("purelib")))


def preload(libraries: Iterable[str]) -> None:
    """Import what trials would import, once for all that are forked later."""
    with warnings.catch_warnings(action="ignore"):
        # LiteLLM reads the environment when it is imported, once the gateway has set it.
        for name in sorted(name for name in set(libraries) if name.partition(".")[0] != "litellm"):
            with contextlib.suppress(Exception):  # then each trial does it by itself
                importlib.import_module(name)
    gc.freeze()  # else each fork's first collection copies all of it: seconds
