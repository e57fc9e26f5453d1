"""How the process starts: the check of awslambdaric, the choice of its client, init errors."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from gateway_core.lambda_stream.__main__ import main, report
from gateway_core.lambda_stream.runtime import StreamingPool, client_of
from gateway_core.lambda_stream.seams import UnknownRuntimeError, check_seams
from tests.lambda_runtime.emulator.answer import Answer, collect
from tests.lambda_runtime.emulator.environment import Function, deployed
from tests.lambda_runtime.emulator.events import rest_event
from tests.lambda_runtime.emulator.runtime_api import RuntimeApi
from tests.patience import patience

MISSING = "no_such_module.handler"


def owns_its_process(test):
    """For what ends in awslambdaric's own start, which leaves its socket to the end of the process."""
    ignored = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    return ignored(pytest.mark.usefixtures("process_wide")(test))


@pytest.fixture
async def api() -> AsyncIterator[RuntimeApi]:
    """A Runtime API that nobody polls."""
    async with RuntimeApi().serve() as found:
        yield found


@pytest.fixture
def process_wide() -> Iterator[None]:
    """Undoes what awslambdaric and its client do to a process that they believe to own."""
    root = logging.getLogger()
    handlers, level, environ = root.handlers[:], root.level, dict(os.environ)
    with contextlib.redirect_stdout(sys.stdout), contextlib.redirect_stderr(sys.stderr):
        yield
    root.handlers[:], root.level = handlers, level
    logging.Formatter.converter = time.localtime
    os.environ.clear()
    os.environ.update(environ)
    gc.enable()


async def test_the_init_error_of_an_unknown_runtime_reaches_lambda(api):
    """With a type that it keeps, and the whole message."""
    await asyncio.to_thread(report, api.address, UnknownRuntimeError("what to do"))
    assert api.init_error == {"errorType": "Runtime.UnknownRuntime", "errorMessage": "what to do", "stackTrace": []}


def test_the_installed_awslambdaric_has_the_seams():
    """The pin and the code that relies on it agree."""
    check_seams()


def test_a_package_without_the_seams_is_refused():
    """Each difference is named."""
    with pytest.raises(UnknownRuntimeError) as refused:
        check_seams("gateway_core")
    assert "bootstrap.run takes None" in str(refused.value)
    assert "bootstrap.handle_event_request does not use ['marshal_response'," in str(refused.value)


@owns_its_process
async def test_a_handler_that_cannot_be_imported_is_an_init_error(api):
    """It is reported, and the process ends."""
    with pytest.raises(SystemExit):
        await asyncio.to_thread(main, ["", MISSING], {"AWS_LAMBDA_RUNTIME_API": api.address})
    assert api.init_error["errorType"] == "Runtime.ImportModuleError"


@owns_its_process
async def test_it_is_one_in_a_worker_too(api):
    """The pool's processes start the same way."""
    with pytest.raises(SystemExit):
        await asyncio.to_thread(StreamingPool.run_single, MISSING, api.address, use_thread=False, socket_path=None)
    assert api.init_error["errorType"] == "Runtime.ImportModuleError"


def test_sam_local_gets_awslambdarics_own_client():
    """It takes whole answers only, which unmarked events get."""
    assert [client_of(environ).__name__ for environ in ({}, {"AWS_SAM_LOCAL": "true"})] == [
        "StreamingClient",
        "LambdaRuntimeClient",
    ]


async def test_several_workers_stream_at_once(gate):
    """Managed Instances: as many processes as invocations that Lambda may send at once."""
    environ = {"GATE_PORT": str(gate.port), "AWS_LAMBDA_MAX_CONCURRENCY": "2"}

    async def ask(environment) -> Answer:
        return await collect(environment.api.invoke(json.dumps(rest_event("GET", "/meet")).encode(), patience(20)))

    async with deployed(Function(environ=environ)) as environment:
        asked = [asyncio.create_task(ask(environment)) for _ in range(2)]
        met = [await gate.hold() for _ in asked]
        assert len({pid for pid, _ in met}) == 2
        for _, app in met:
            gate.release(app)
        assert [(await answer).body for answer in asked] == [b"met", b"met"]
