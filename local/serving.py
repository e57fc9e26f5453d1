"""Serve ASGI apps over real HTTP on loopback, one thread each, for the local stack and for tests."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any, override

import uvicorn

from gateway_core.waiting import stop
from local.joined import JoinedProtocol
from local.loopback import LOOPBACK, ServingError

# Who cannot start ends, which is noticed at once: this is for a machine that has too much to do.
_START_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 10.0
_DRAIN_TIMEOUT_S = 1
_GRACE_S = 4
"""What is cut after its time to drain may say so, and is settled; then it is cancelled once more."""
# Longer than any client of ours keeps an idle connection, so that none is closed under a request.
_KEEP_ALIVE_S = 600
HEAD_BYTES = 64 * 1024
"""Of headers that are not over, and of the end of a body in chunks. What came in one piece may be larger."""
_BACKLOG = 4096
"""Connections that may wait to be accepted; the kernel has a limit of its own (`net.core.somaxconn`)."""


def _is_news(record: logging.LogRecord) -> bool:
    """Not that a request was still open when its time to end was over: uvicorn tells it as an error of the app."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, asyncio.CancelledError)


class Server(uvicorn.Server):
    """A uvicorn server that says when it accepts connections, and stops what is open `drain_s` after it is to end."""

    def __init__(self, config: uvicorn.Config, drain_s: float) -> None:
        super().__init__(config)
        self._drain_s = drain_s
        self.settled = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def soon(self, work: Callable[[], object]) -> None:
        """Have the event loop do it, from any thread; nobody does before it runs and after it has ended."""
        with contextlib.suppress(RuntimeError):
            if self._loop:
                self._loop.call_soon_threadsafe(work)

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        for sock in sockets or ():
            sock.listen(_BACKLOG)  # asyncio makes one number of how many may wait and how many it takes in one go
        self.settled.set()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        cutting = asyncio.get_running_loop().call_later(self._drain_s, self._cut)
        await super().shutdown(sockets)
        cutting.cancel()

    def _cut(self) -> None:
        for task in tuple(self.server_state.tasks):
            stop(task)

    @override
    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets=sockets)
        finally:
            self.settled.set()


def bind(port: int = 0, host: str = LOOPBACK) -> socket.socket:
    """Listen on `host`; port 0 takes a free one. Who connects before a server accepts has to wait, not to retry.

    Raises:
        ServingError: the port is in use.
    """
    # asyncio turns Nagle's algorithm off only where the protocol is named: else each answer is 40 ms late.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen()
    except OSError as error:
        sock.close()
        raise ServingError(f"cannot listen on {host}:{port}: {error.strerror}") from error
    return sock


def server_for(
    app: Any, drain_s: int = _DRAIN_TIMEOUT_S, *, protocol: type[asyncio.Protocol] | None = None, shares: bool = False
) -> Server:
    """Make a uvicorn server for `app`: quiet, and cutting what is open `drain_s` after it is told to stop.

    One that `shares` its socket with other processes takes one connection at a time, so that none takes them all.
    """
    config = uvicorn.Config(
        app,
        http=protocol or JoinedProtocol,
        loop="asyncio",  # uvicorn takes uvloop where it is installed, which lacks what our HTTP client asks of a loop
        backlog=1 if shares else _BACKLOG,
        h11_max_incomplete_event_size=HEAD_BYTES,
        host=LOOPBACK,
        log_config=None,
        access_log=False,
        ws="none",
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=drain_s + _GRACE_S,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)  # the same function is added once
    return Server(config, drain_s)


def base_url(sock: socket.socket) -> str:
    """URL of a bound socket, without a trailing slash."""
    host, port = sock.getsockname()[:2]
    return f"http://{host}:{port}"


@contextlib.contextmanager
def serve(app: Any, port: int = 0, host: str = LOOPBACK, drain_s: int = _DRAIN_TIMEOUT_S) -> Iterator[str]:
    """Run an ASGI app in a thread and give its base URL; leaving the block stops it and waits until it is gone.

    Requests in flight have `drain_s` to finish.

    Raises:
        ServingError: the port is in use, or the app's lifespan failed.
    """
    with running(server_for(app, drain_s), bind(port, host), drain_s) as url:
        yield url


@contextlib.contextmanager
def running(server: Server, sock: socket.socket, drain_s: int) -> Iterator[str]:
    """The same for a server that was made with `drain_s`, on a socket that is closed in the end."""
    thread = threading.Thread(target=_run, args=(server, sock), name=f"serve-{base_url(sock)}", daemon=True)
    with contextlib.closing(sock):
        url = base_url(sock)
        thread.start()
        try:
            server.settled.wait(_START_TIMEOUT_S)
            if not server.started:
                raise ServingError(f"the app at {url} did not start")
            yield url
        finally:
            server.should_exit = True
            thread.join(drain_s + _STOP_TIMEOUT_S)


def _run(server: Server, sock: socket.socket) -> None:
    with contextlib.suppress(SystemExit):  # uvicorn's way to say that startup failed; `serve` sees it from `started`
        server.run([sock])


@contextlib.contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Let SIGTERM unwind the stack like Ctrl-C does, so that everything that was started is stopped."""

    def leave(_signum: int, _frame: object) -> None:
        raise SystemExit(0)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
