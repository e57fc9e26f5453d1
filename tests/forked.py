"""Programs forked from a process that has LiteLLM loaded: its seconds of CPU are paid once for a whole run of tests.

`forked(module)` is a command that does what `python -m module` does, in a process of its own with the environment,
pipes, signals and exit code of a program; it takes a tenth of the time to start. `tests/fork_server.py` is the process
that forks, one for all workers of pytest-xdist; it ends with the last of them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import sys
import tempfile
from functools import cache
from pathlib import Path

LEASE, FORK = b"lease", b"fork!"
"""What a connection begins with."""
_HERE = Path(__file__).parent
_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or str(os.getpid())
_ADDRESS = Path(tempfile.gettempdir()) / f"gateway-tests-{_RUN[:16]}.sock"


def forked(module: str, *arguments: str) -> list[str]:
    """The command."""
    _lease()
    return [sys.executable, "-I", "-S", str(_HERE / "fork_client.py"), str(_ADDRESS), module, *arguments]


@cache
def _lease() -> socket.socket:
    """A connection that keeps the server alive as long as this process is; who comes first starts it."""
    with _ADDRESS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):
            return _connected()
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(_ADDRESS))
        listening.listen(64)
        # Nobody's child: it may outlive the worker that happened to be the first.
        script = 'cd "$1" && shift && "$@" </dev/null &'
        command = [script, "sh", str(_HERE.parent), sys.executable, "-m", "tests.fork_server"]
        listening.set_inheritable(True)
        arguments = ["/bin/sh", "-c", *command, str(listening.fileno()), str(_ADDRESS)]
        os.waitpid(os.posix_spawn("/bin/sh", arguments, os.environ), 0)
        connection = _connected()
        listening.close()
        return connection


def _connected() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(_ADDRESS))
        connection.sendall(LEASE)
    except OSError:
        connection.close()
        raise
    return connection
