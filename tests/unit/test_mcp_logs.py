"""What the MCP libraries may log."""

import io
import json
import logging
import uuid

import pytest
from fastmcp.utilities.logging import get_logger

from gateway_core.mcp_front.logs import quiet_libraries
from gateway_core.telemetry.telemetry import Telemetry

NAMES = ("fastmcp", "mcp", "sse_starlette")


@pytest.fixture
def lines():
    """What is logged after the libraries were taken over; they are given back."""
    loggers = [logging.getLogger(name) for name in NAMES]
    kept = [(logger.handlers[:], logger.level, logger.propagate) for logger in loggers]
    stream = io.StringIO()
    # Powertools keeps one logger a name, with its first stream.
    quiet_libraries(Telemetry(level="DEBUG", stream=stream, service=uuid.uuid4().hex))
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    for logger, (handlers, level, propagate) in zip(loggers, kept, strict=True):
        logger.handlers[:] = handlers
        logger.setLevel(level)
        logger.propagate = propagate


def test_a_failure_is_told_by_type_and_place(lines):
    """The text of neither the record nor the exception: both may be prompts."""
    error = ValueError("my secret plan")
    logging.getLogger("mcp.server.runner").error("failed with %s", "my secret plan", exc_info=error)
    (line,) = lines()
    assert line["error.type"] == "ValueError"
    assert line["where"].startswith("mcp.server.runner:")
    assert "secret" not in json.dumps(line)


@pytest.fixture
def process_log():
    """What a process that logs everything writes."""
    root, stream = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(stream), root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def test_anything_else_is_dropped(lines, process_log):
    """At every level, however the process is set."""
    logging.getLogger("other").debug("heard")
    for logger in (
        get_logger("server.server"),
        logging.getLogger("mcp.server"),
        logging.getLogger("sse_starlette.sse"),
    ):
        for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            logger.log(level, "my secret plan")
    assert lines() == []
    assert process_log.getvalue() == "heard\n"
