"""What tests log. In `make test` pytest's plugin is there for those with `caplog`: it takes a millisecond a test.

The others have one handler for all of them. What a failed test logged is shown, and a message that cannot be formatted
is an error, as with pytest's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Generator
from itertools import islice
from typing import Any, override

import pytest

_NAME = "logging-plugin"
_LENGTH = 32
_OF_A_TEST = re.compile("[0-9a-f]+")


class ForgottenLoggers:
    """Forgets the loggers that a test named so that nobody else has them: each change of a level goes through all."""

    def __init__(self) -> None:
        self._known = 0

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self) -> None:
        """Look at the new ones: they come last."""
        loggers = logging.root.manager.loggerDict
        for name in list(islice(reversed(loggers), max(0, len(loggers) - self._known))):
            if len(name) == _LENGTH and _OF_A_TEST.fullmatch(name):
                del loggers[name]
        self._known = len(loggers)


class Kept(logging.Handler):
    """What was logged since the test began."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))


class QuickLogging:
    """Registers pytest's plugin for those tests only that have the fixture `caplog`."""

    def __init__(self, manager: pytest.PytestPluginManager) -> None:
        self._manager, self._kept = manager, Kept()

    def pytest_sessionstart(self) -> None:
        """Take its place."""
        self._slow = self._manager.unregister(name=_NAME)
        logging.root.addHandler(self._kept)

    def pytest_unconfigure(self) -> None:
        """Give it back, for what it has to close."""
        logging.root.removeHandler(self._kept)
        self._slow.pytest_unconfigure()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Begin anew."""
        self._kept.texts.clear()
        self._kept.filters.clear()  # Powertools adds one for each logger that a test makes: all are asked of each line
        if "caplog" not in getattr(item, "fixturenames", ()):
            return (yield)
        self._manager.register(self._slow, _NAME)
        try:
            return (yield)
        finally:
            self._manager.unregister(name=_NAME)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Show what a failed test logged."""
        report = yield
        if report.failed and self._kept.texts:
            report.sections.append((f"Captured log {call.when}", "\n".join(self._kept.texts)))
        return report
