"""Loads what programs need, then forks one for each `tests/fork_client.py` that asks. See `tests/forked.py`.

Ends, with all its programs, when nobody holds a lease any more. LISTENING-SOCKET ADDRESS PRELOADED-MODULE
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.forked import LEASE


@dataclass
class Server:
    """Its clients: those that keep it alive, and by process id those whose program runs."""

    listening: socket.socket
    leases: set[socket.socket] = field(default_factory=set)
    programs: dict[int, socket.socket] = field(default_factory=dict)

    def run(self) -> dict[str, Any] | None:
        """What a forked process is to do; None in the server itself, at its end."""
        told, tell = socket.socketpair()
        for end in (told, tell):
            end.setblocking(False)  # noqa: FBT003 - its only argument
        signal.set_wakeup_fd(tell.fileno())
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        with selectors.DefaultSelector() as events:
            events.register(self.listening, selectors.EVENT_READ)
            events.register(told, selectors.EVENT_READ)
            while True:
                for key, _mask in events.select():
                    if key.fileobj is told:
                        told.recv(4096)
                        self._reap(events)
                    elif key.fileobj is not self.listening:
                        self._lose(events, key.fileobj)
                    elif job := self._welcome(events):
                        return job
                if not self.leases:
                    self._end(self.programs)
                    return None

    def _welcome(self, events: selectors.BaseSelector) -> dict[str, Any] | None:
        connection, _address = self.listening.accept()
        word, pipes, _flags, _address = socket.recv_fds(connection, len(LEASE), 3)
        if word == LEASE:
            self.leases.add(connection)
        else:
            job: dict[str, Any] = json.loads(connection.makefile().readline())
            pid = os.fork()
            if not pid:
                return job | {"pipes": pipes}
            for pipe in pipes:
                os.close(pipe)
            self.programs[pid] = connection
            connection.sendall(b"%d\n" % pid)
        events.register(connection, selectors.EVENT_READ)
        return None

    def _reap(self, events: selectors.BaseSelector) -> None:
        while self.programs:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            connection = self.programs.pop(pid)
            with contextlib.suppress(KeyError):  # it was lost
                events.unregister(connection)
            with contextlib.suppress(OSError), connection:
                connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))

    def _lose(self, events: selectors.BaseSelector, connection: Any) -> None:
        """A worker is gone, or somebody killed a client: its program ends with it, and is reaped as any."""
        events.unregister(connection)
        self.leases.discard(connection)
        self._end([pid for pid, client in self.programs.items() if client is connection])

    def _end(self, programs: Iterable[int]) -> None:
        for pid in programs:
            os.kill(pid, signal.SIGKILL)


def become(job: dict[str, Any]) -> None:
    """Be the program: in its folder, with its environment, arguments and pipes. Ends by SystemExit, as programs do."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, pipe in enumerate(job["pipes"]):
        os.dup2(pipe, number)
        os.close(pipe)
    sys.stdin, sys.stdout = open(0, closefd=False), open(1, "w", closefd=False)  # noqa: SIM115 - descriptors
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.environ.clear()
    os.environ.update(job["environ"])
    os.chdir(job["folder"])
    sys.argv = job["arguments"]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def main() -> None:
    """Serve until the last lease ends."""
    number, address, preloaded = sys.argv[1:]
    importlib.import_module(preloaded)
    gc.freeze()  # what is loaded is nobody's garbage
    listening = socket.socket(fileno=int(number))
    server = Server(listening)
    job = server.run()
    listening.close()
    if job:
        for connection in (*server.leases, *server.programs.values()):
            connection.close()
        become(job)
    else:
        Path(address).unlink()
        Path(address).with_suffix(".lock").unlink()


if __name__ == "__main__":
    main()
