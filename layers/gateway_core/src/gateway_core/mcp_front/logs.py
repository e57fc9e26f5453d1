"""What the MCP libraries may log: that they failed and where, nothing of what they were given.

FastMCP writes 80-column boxes with local variables, and prints arguments at DEBUG; the SDK logs results that it cannot
serialise. All of that may be prompts.
"""

from __future__ import annotations

import logging
from typing import override

from gateway_core.telemetry.telemetry import Telemetry

_LIBRARIES = ("fastmcp", "mcp", "sse_starlette")


class FailuresOnly(logging.Handler):
    """Turns a library's report of an exception into a line of ours: its type and where it was caught."""

    def __init__(self, telemetry: Telemetry) -> None:
        super().__init__(logging.ERROR)
        self._telemetry = telemetry

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and record.exc_info[1]:
            self._telemetry.crashed("", record.exc_info[1], f"{record.name}:{record.lineno}")


def quiet_libraries(telemetry: Telemetry) -> None:
    """Take over the libraries' loggers, for this process and whatever the log level; the last call counts."""
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers[:] = [FailuresOnly(telemetry)]
        logger.setLevel(logging.ERROR)
        logger.propagate = False
