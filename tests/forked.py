"""Programs forked from a process that has loaded what they need: its seconds of CPU are paid once for a run of tests.

`forked(module)` is a command that does what `python -m module` does, in a process of its own with the environment,
pipes, signals and exit code of a program; it takes a tenth of the time to start. `tests/fork_server.py` is the process
that forks, one for all workers of pytest-xdist; it ends with the last of them. What calls models through LiteLLM names
LITELLM, and is forked from another.
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
ALL_BUT_LITELLM, LITELLM = "tests.preload", "tests.preload_litellm"
"""What the process that forks has loaded."""


def forked(module: str, *arguments: str, preloaded: str = ALL_BUT_LITELLM) -> list[str]:
    """The command."""
    _lease(preloaded)
    return [sys.executable, "-I", "-S", str(_HERE / "fork_client.py"), str(_address(preloaded)), module, *arguments]


def _address(preloaded: str) -> Path:
    return Path(tempfile.gettempdir()) / f"gateway-{preloaded}-{_RUN[:16]}.sock"


@cache
def _lease(preloaded: str) -> socket.socket:
    """A connection that keeps the server alive as long as this process is; who comes first starts it."""
    address = _address(preloaded)
    with address.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(OSError):
            return _connected(address)
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(address))
        listening.listen(64)
        # Nobody's child: it may outlive the worker that happened to be the first.
        script = 'cd "$1" && shift && "$@" </dev/null &'
        command = [script, "sh", str(_HERE.parent), sys.executable, "-m", "tests.fork_server"]
        listening.set_inheritable(True)
        arguments = ["/bin/sh", "-c", *command, str(listening.fileno()), str(address), preloaded]
        os.waitpid(os.posix_spawn("/bin/sh", arguments, os.environ), 0)
        connection = _connected(address)
        listening.close()
        return connection


def _connected(address: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(address))
        connection.sendall(LEASE)
    except OSError:
        connection.close()
        raise
    return connection
