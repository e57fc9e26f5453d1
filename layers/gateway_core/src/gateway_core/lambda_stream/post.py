"""A streamed answer on its way to Lambda's Runtime API: one HTTP/1.1 POST of its own, chunk by chunk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from gateway_core.lambda_stream import trailers

_PORT = 80
_ACCEPTED = b"202"


@dataclass(frozen=True, slots=True)
class Target:
    """Which invocation's answer it is, and where it goes: `address` is `host` or `host:port`."""

    address: str
    request_id: str
    content_type: str
    invocation_id: str | None = None

    def head(self) -> bytes:
        """Request line and headers. The Runtime API wants a connection per streamed answer and the trailers' names."""
        lines = [
            f"POST /2018-06-01/runtime/invocation/{self.request_id}/response HTTP/1.1",
            f"Host: {self.address}",
            f"Content-Type: {self.content_type}",
            "Lambda-Runtime-Function-Response-Mode: streaming",
            "Transfer-Encoding: chunked",
            f"Trailer: {trailers.DECLARED}",
            "Connection: close",
        ]
        if self.invocation_id:
            lines.append(f"Lambda-Runtime-Invocation-Id: {self.invocation_id}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


class AnswerRefusedError(ConnectionError):
    """The Runtime API did not take the answer, or not to its end. The message is what it said, for the operator."""


class Post:
    """Implements `Sink`. `on_lost` is called once, as soon as the Runtime API stops to read."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_lost: Callable[[], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._on_lost = on_lost
        self._is_ended = False
        self._reply = asyncio.create_task(self._await_reply())

    def begin(self, head: bytes) -> None:
        # Nothing is kept back here: `write` returns when the kernel has it all.
        self._writer.transport.set_write_buffer_limits(high=0)
        self._writer.write(head)

    async def write(self, data: bytes) -> None:
        """Send one chunk. Raises ConnectionError."""
        # Not `writelines`: in several releases of Python it lets the buffer grow without pausing the writer.
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._writer.drain()

    async def end(self, trailer_lines: bytes = b"") -> None:
        """End the answer and wait until it was taken. Raises ConnectionError."""
        self._is_ended = True
        self._writer.write(b"0\r\n" + trailer_lines + b"\r\n")
        await self._writer.drain()
        reply = await self._reply
        if reply.split(b" ")[1:2] != [_ACCEPTED]:
            raise _refused(reply)

    async def refusal(self) -> AnswerRefusedError:
        """Why the connection was lost. To be asked only after `on_lost` was called."""
        return _refused(await self._reply)

    async def close(self) -> None:
        """Leave no trace in the loop. What was not ended is cut, so that it does not look complete."""
        self._is_ended = True
        self._reply.cancel()
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()

    async def _await_reply(self) -> bytes:
        # Awaited from the start: a reply or an end in the middle of our answer is how a broken connection shows.
        try:
            reply = await self._reader.readline()
        except ConnectionError:
            reply = b""
        if not self._is_ended:
            self._on_lost()
        return reply


def _refused(reply: bytes) -> AnswerRefusedError:
    return AnswerRefusedError(f"The Runtime API answered {reply[:80]!r}.")


@contextlib.asynccontextmanager
async def open_post(target: Target, on_lost: Callable[[], None]) -> AsyncIterator[Post]:
    """Connect to the Runtime API and send the request's head. Raises OSError when there is no connection."""
    host, _, port = target.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port or _PORT))
    post = Post(reader, writer, on_lost)
    try:
        post.begin(target.head())
        yield post
    finally:
        await post.close()
