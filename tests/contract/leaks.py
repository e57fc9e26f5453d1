"""What must not leave the adapter, and all the places where it could."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

from gateway_core.domain.provider_errors import ProviderError

LEAKS = {
    "an OpenAI key": "sk-proj-AbCdEf0123456789AbCdEf",
    "a Google key": "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "a bearer token": "tokentokentoken",
    "a password in a URL": "hunter2hunter2",
    "a virtual key": "gk_alpha_0123456789abcdef0123456789abcdef",
}
LEAK_TEXT = (
    f"Incorrect API key provided: {LEAKS['an OpenAI key']} or ?key={LEAKS['a Google key']}; "
    f"Authorization: Bearer {LEAKS['a bearer token']}; see https://admin:{LEAKS['a password in a URL']}@internal/x "
    f"for {LEAKS['a virtual key']}"
)


class Everything(logging.Handler):
    """Keeps whatever any logger says."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(logging.Formatter().format(record) + str(record.__dict__))


@contextlib.contextmanager
def all_loggers() -> Iterator[Everything]:
    """Every logger there is at DEBUG, each with a handler of its own, whether or not it propagates."""
    handler = Everything()
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in logging.root.manager.loggerDict)]
    before = [(logger, logger.level) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
    _set_levels((logger, logging.DEBUG) for logger in loggers)
    try:
        yield handler
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
        _set_levels(before)


def _set_levels(levels: Iterable[tuple[logging.Logger, int]]) -> None:
    """As each logger's `setLevel`, of which every one goes through all loggers, and other tests leave thousands."""
    for logger, level in levels:
        logger.level = level
    root = logging.getLogger()
    root.setLevel(root.level)  # forgets what all of them let pass


def everything(error: ProviderError, logged: Everything) -> str:
    """All text that an error and the loggers carry, tracebacks and chained exceptions included."""
    parts: list[Any] = [error, repr(error), error.message, error.detail, error.args, vars(error), *logged.lines]
    return "\n".join([*map(str, parts), *traceback.format_exception(error)])
