"""A server of bytes for the gateway's HTTP client, over TCP or TLS: in the test's event loop, or beside it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

type Act = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
"""Answers a request, of which it is given the head and the body."""


@dataclass
class RawServer:
    """What came in: `requests` whole, `connections` in number. `asked` is set with each request."""

    act: Act
    greeting: bytes = b""
    url: str = ""
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        writer.write(self.greeting)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            while not writer.is_closing():
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                self.requests.append(head + await reader.readexactly(int(length or b"0")))
                self.asked.set()
                await self.act(self.requests[-1], writer)
        writer.close()


@contextlib.asynccontextmanager
async def serving(
    act: Act, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, greeting: bytes = b""
) -> AsyncIterator[RawServer]:
    """Listen on a free port until the block ends; then cut all connections."""
    raw = RawServer(act, greeting)
    server = await asyncio.start_server(raw.connected, host, 0, ssl=tls)
    name = f"[{host}]" if ":" in host else host
    raw.url = f"{'https' if tls else 'http'}://{name}:{server.sockets[0].getsockname()[1]}"
    try:
        yield raw
    finally:
        server.close()
        for writer in raw.writers:
            writer.transport.abort()
        await asyncio.sleep(0)


def says(*pieces: bytes, close: bool = False, abort: bool = False) -> Act:
    """Answer with these, each sent on its own; then close the connection, or break it."""

    async def act(_request: bytes, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        if abort:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
        elif close:
            writer.close()

    return act


async def nothing(_request: bytes, _writer: asyncio.StreamWriter) -> None:
    """Read on, and say nothing."""


@dataclass
class Beside:
    """A server in a thread of its own, which answers however busy the event loop is, once it may `go`."""

    url: str
    asked: threading.Event = field(default_factory=threading.Event)
    go: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def beside(
    answer: bytes, *, tls: ssl.SSLContext | None = None, close: bool = False, held: bool = False
) -> Iterator[Beside]:
    """Give every request `answer`, at once unless it is `held`, and with `close` end the connection after it."""
    listening = socket.create_server(("127.0.0.1", 0))
    found = Beside(f"{'https' if tls else 'http'}://127.0.0.1:{listening.getsockname()[1]}")

    if not held:
        found.go.set()

    def serve(sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            conn = tls.wrap_socket(sock, server_side=True) if tls else sock
            with conn:
                while _request(conn):
                    found.asked.set()
                    found.go.wait()
                    conn.sendall(answer)
                    if close:
                        break
                    found.answered.set()
        found.answered.set()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listening.accept()[0],), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield found
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepting.join()


def _request(conn: socket.socket) -> bytes:
    data = b""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if not (more := conn.recv(65536)):
            return b""
        data += more
    length = int(data[:end].lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
    while len(data) < end + 4 + length:
        data += conn.recv(65536)
    return data


async def until(holds: Callable[[], bool]) -> None:
    """Let the event loop go on until something is so of which no event tells."""
    while not holds():  # noqa: ASYNC110 - as it says
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def busy(turn_s: float) -> AsyncIterator[None]:
    """Each turn of the event loop takes so long within the block."""
    done = threading.Event()

    async def work() -> None:
        while not done.wait(turn_s):  # noqa: ASYNC110 - not to wait for anything, but to hold the loop up
            await asyncio.sleep(0)

    working = asyncio.ensure_future(work())
    try:
        yield
    finally:
        done.set()
        await working


@dataclass(frozen=True)
class Certificates:
    """A server's certificate for 127.0.0.1 and `llm.example`, and the file by which clients trust it."""

    trusted: Path
    server: ssl.SSLContext


def certificates(folder: Path) -> Certificates:
    """Made anew, for a day."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "llm.example")])
    now = dt.datetime.now(dt.UTC)
    names: list[x509.GeneralName] = [
        x509.DNSName("llm.example"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (trusted := folder / "trusted.pem").write_bytes(pem)
    (chain := folder / "server.pem").write_bytes(private + pem)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return Certificates(trusted, server)
