"""Processes forked from one that has LiteLLM loaded: its seconds of CPU are paid once for all of them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from tests.patience import patience

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.preload"])


def _become(environ: Mapping[str, str], output: Connection) -> None:
    """Have no variables but these, and print into the pipe."""
    os.environ.clear()
    os.environ.update(environ)
    for number in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(output.fileno(), number)
    output.close()


def _serve_stack(output: Connection, environ: Mapping[str, str]) -> None:
    from local.__main__ import main  # noqa: PLC0415 - here, so that who forks loads nothing

    _become(environ, output)
    sys.exit(main())


class ForkedStack:
    """`python -m local` but for its start; to be used like `subprocess.Popen`."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        ours, theirs = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=_serve_stack, args=(theirs, dict(environ)), daemon=True)
        self._process.start()
        theirs.close()
        self.stdout = os.fdopen(os.dup(ours.fileno()), errors="replace")
        ours.close()

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        assert self._process.pid
        os.kill(self._process.pid, number)

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a forked stack", timeout)
        return self._process.exitcode


def _call(answer: Connection, work: Any, args: Any, environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)
    answer.send(work(*args))


def call_forked(work: Any, *args: Any, environ: Mapping[str, str]) -> Any:
    """What `work`, a function of some module, gives in a process of its own that has no variables but these."""
    ours, theirs = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=_call, args=(theirs, work, args, dict(environ)), daemon=True)
    process.start()
    theirs.close()
    try:
        assert ours.poll(patience(50)), "it does not answer"
        return ours.recv()
    finally:
        ours.close()
        process.join(patience(10))
        process.kill()
