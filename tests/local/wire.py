"""One connection to the gateway's server without a network: what a client sends, and what it would see."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from uvicorn.server import ServerState

from local.protocols import BoundedH11, BoundedProtocol
from local.serving import server_for
from local.slow_clients import Bounds

BOUNDS = Bounds(headers_s=10, body_s=20, unread_s=30)
KEEP_ALIVE_S = 1000
PROTOCOLS = (BoundedProtocol, BoundedH11)
HEAD = b"POST /x HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\n\r\n"
GET = b"GET /x HTTP/1.1\r\nhost: here\r\n\r\n"
UPGRADE = b"connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAEA\r\n"
"""What Java's client asks for over plain HTTP."""


class Wire(asyncio.Transport):
    """What a client would see. With `stuck` it reads nothing: what is closed stays open for what was written."""

    def __init__(self, *, stuck=False):
        super().__init__()
        self._stuck = stuck
        self.written = b""
        self.closed = self.aborted = self.paused = False
        self.protocol = None

    def get_extra_info(self, name, default=None):
        return default

    def set_protocol(self, protocol):
        self.protocol = protocol

    def write(self, data):
        self.written += data

    def is_closing(self):
        return self.closed

    def close(self):
        if not self.closed and not self._stuck:
            asyncio.get_running_loop().call_soon(self.lose)
        self.closed = True

    def abort(self):
        self.closed = self.aborted = True
        asyncio.get_running_loop().call_soon(self.lose)

    def lose(self, error=None):
        self.protocol.connection_lost(error)

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    def receive(self, data):
        """The client's next bytes; none is taken of who is closed."""
        if not self.closed:
            self.protocol.data_received(data)

    @property
    def reader(self):
        """Which library reads the connection's next request."""
        return "h11" if isinstance(self.protocol, BoundedH11) else "llhttp"

    @property
    def answer(self):
        head, _, body = self.written.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    @property
    def statuses(self):
        return [int(part.split(b" ")[0]) for part in self.written.split(b"HTTP/1.1 ")[1:]]


async def reads(scope, receive, send):
    """Reads the whole body, then answers."""
    while (message := await receive()).get("more_body"):
        pass
    if message["type"] == "http.disconnect":
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def streams(scope, receive, send):
    """Sends as long as there is somebody."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not scope["state"]["over"].is_set():
        await send({"type": "http.response.body", "body": b"x" * 10, "more_body": True})
        await asyncio.sleep(0)


async def refuses(scope, receive, send):
    """Answers before it has read anything."""
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@dataclass
class Listener:
    """Notes all that came of each request. `/wait` is answered when `open` is set, `/early` before its body is read."""

    seen: list[tuple] = field(default_factory=list)
    left: int = 0
    open: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope, receive, send):
        if scope["path"] == "/early":
            await refuses(scope, receive, send)
            return
        body = b""
        while (message := await receive())["type"] == "http.request":
            body += message["body"]
            if not message["more_body"]:
                break
        else:
            self.left += 1
            return
        names = ("method", "raw_path", "path", "query_string", "http_version", "headers")
        self.seen.append((*(scope[name] for name in names), body))
        if scope["path"].startswith("/wait"):
            await self.open.wait()
        text = json.dumps(scope["path"]).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
        await send({"type": "http.response.body", "body": text})

    @property
    def bodies(self):
        return [seen[-1] for seen in self.seen]


def connect(app=reads, protocol=BoundedProtocol, *, stuck=False):
    """A new connection to `app`."""
    kind = type("Bounded", (protocol,), {"bounds": BOUNDS})
    config = server_for(app, protocol=kind).config
    config.timeout_keep_alive = KEEP_ALIVE_S
    config.load()
    wire = Wire(stuck=stuck)
    wire.over, wire.server = asyncio.Event(), ServerState()
    wire.protocol = kind(config, wire.server, {"over": wire.over})
    wire.protocol.connection_made(wire)
    return wire


async def turns(number=10):
    """What is under way has its effect."""
    for _ in range(number):
        await asyncio.sleep(0)
