"""`make test` compiles its tests as they stand, and explains what failed when all have run.

pytest puts code into each assertion that shows the values in it, which takes as long to make as all else of a test's.
With `--assert=plain` it does not, so what failed runs once more, in a process of pytest that does. It counts as failed
whatever becomes of it then.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from itertools import islice

import pytest
from _pytest.terminal import TerminalReporter

from tests.patience import patience

_AT_MOST = 20
_LONGEST_S = 300.0


class Explained:
    """A plugin for one session: it knows what failed."""

    def __init__(self) -> None:
        self._failed: dict[str, None] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the name of what failed, once."""
        if report.failed:
            self._failed[report.nodeid] = None

    def pytest_terminal_summary(
        self, terminalreporter: TerminalReporter, exitstatus: int, config: pytest.Config
    ) -> None:
        """Show the values, after what failed without them; not to who does not wait until all have run."""
        if exitstatus != pytest.ExitCode.TESTS_FAILED:
            return
        terminalreporter.section(f"once more with values, the first {_AT_MOST} at most")
        terminalreporter.flush()
        names = list(islice(self._failed, _AT_MOST))
        if _run(names, config) == pytest.ExitCode.USAGE_ERROR:  # one that is not there by this name hides the others
            for name in names:
                _run([name], config)


def _run(names: Sequence[str], config: pytest.Config) -> int | None:
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *names)
    try:
        return subprocess.run(
            command, cwd=config.invocation_params.dir, check=False, timeout=patience(_LONGEST_S)
        ).returncode
    except subprocess.TimeoutExpired:
        return None
