"""`python -m local.upstash` in the foreground, and the serving helper under it."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from local.loopback import ServingError
from local.serving import bind, serve, sigterm_as_exit
from local.upstash.__main__ import main
from tests.patience import patience


@contextlib.contextmanager
def program(*options):
    """The program, started, and the URL that it prints."""
    command = [sys.executable, "-m", "local.upstash", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process, process.stdout.readline().strip().removeprefix("UPSTASH_REDIS_REST_URL=")
        finally:
            process.kill()


def tcp_port(http: httpx.Client) -> int:
    info = http.post("/", json=["INFO", "server"]).json()["result"]
    return int(next(line for line in info.splitlines() if line.startswith("tcp_port:")).partition(":")[2])


@pytest.mark.parametrize("how", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_the_program_serves_until_it_is_told_to_stop(interruptible, how):
    """It prints its URL, answers, and on a signal ends with code 0 and takes Valkey along."""
    with program("--port", "0", "--token", "secret-token") as (process, url):
        with httpx.Client(base_url=url, headers={"Authorization": "Bearer secret-token"}, timeout=patience(30)) as http:
            assert http.post("/", json=["PING"]).json() == {"result": "PONG"}
            port = tcp_port(http)
        with socket.create_connection(("127.0.0.1", port), timeout=patience(10)) as witness:
            process.send_signal(how)
            output, errors = process.communicate(timeout=patience(20))
            assert (process.returncode, output, errors) == (0, "", "")
            assert witness.recv(1) == b""


def test_main_serves_while_it_waits(capsys):
    """The store is up when the wait begins, and an interrupt is a clean end."""

    def interrupted() -> None:
        url = capsys.readouterr().out.strip().removeprefix("UPSTASH_REDIS_REST_URL=")
        assert httpx.post(f"{url}/?_token=mine", json=["PING"], timeout=patience(30)).json() == {"result": "PONG"}
        raise KeyboardInterrupt

    assert main(["--port", "0", "--token", "mine"], wait=interrupted) == 0
    assert main(["--port", "0"], wait=lambda: None) == 0


def test_a_taken_port_is_a_sentence_and_code_1(capsys):
    """No traceback."""
    with contextlib.closing(bind()) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"cannot listen on 127.0.0.1:{port}: ")


def test_a_missing_server_is_a_sentence_and_code_1(capsys, monkeypatch):
    """Without wheel and without a server on PATH it says what to install."""
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    assert main(["--port", "0"]) == 1
    assert "redis-server" in capsys.readouterr().err


def test_sigterm_unwinds_the_stack():
    """What was entered is left, and the old handler is back afterwards."""
    before = signal.getsignal(signal.SIGTERM)
    left = []
    with contextlib.ExitStack() as stack:
        exit_code = stack.enter_context(pytest.raises(SystemExit, match=r"^0$"))
        stack.enter_context(sigterm_as_exit())
        stack.callback(left.append, "left")
        signal.raise_signal(signal.SIGTERM)
    assert exit_code.value.code == 0
    assert left == ["left"]
    assert signal.getsignal(signal.SIGTERM) is before


# the serving helper


async def hello(scope, receive, send):
    """A minimal app; its path says how it behaves."""
    if scope["type"] == "lifespan":
        raise NotImplementedError
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    while scope["path"] == "/forever":
        await send({"type": "http.response.body", "body": b"tick\n", "more_body": True})
        await receive()
    await send({"type": "http.response.body", "body": scope["server"][0].encode()})


def test_an_app_is_served_on_loopback_until_the_block_ends():
    """The URL answers within the block and refuses after it."""
    with serve(hello) as url, httpx.Client(base_url=url, timeout=patience(30)) as http:
        assert url.startswith("http://127.0.0.1:")
        assert http.get("/").text == "127.0.0.1"
    with pytest.raises(httpx.ConnectError):
        httpx.get(url, timeout=patience(30))


def test_answers_do_not_wait_for_acknowledgements():
    """Connections have TCP_NODELAY: without it a second small write waits 40 ms."""
    with contextlib.closing(bind()) as sock:
        assert sock.proto == socket.IPPROTO_TCP


def test_a_port_in_use_is_an_error():
    """The text names the address."""
    with (
        serve(hello) as url,
        pytest.raises(ServingError, match=r"cannot listen on 127\.0\.0\.1:\d+"),
        serve(hello, int(url.rpartition(":")[2])),
    ):
        pytest.fail("two servers on one port")


def test_an_app_whose_startup_fails_is_an_error():
    """The block is not entered."""

    async def broken(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(ServingError, match="did not start"), serve(broken):
        pytest.fail("served a broken app")


def test_an_open_stream_does_not_keep_the_server():
    """Leaving the block cuts it after a second."""
    with httpx.Client(timeout=patience(30)) as http, contextlib.ExitStack() as stack:
        with serve(hello) as url:
            response = stack.enter_context(http.stream("GET", f"{url}/forever"))
            lines = response.iter_lines()
            assert next(lines) == "tick"
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
