"""Sends an answer's head together with the first of its body: uvicorn writes each by itself.

Two writes are two packets. The client wakes for a head that says nothing yet, and what it does takes the processor from
who is to write the rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, cast, override

from local.eager import EagerProtocol

_HEAD = b"HTTP/1.1 "


class JoinedTransport(asyncio.Transport):
    """A transport over another one that keeps a head back for what is written in the same turn of the event loop."""

    def __init__(self, transport: asyncio.BaseTransport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = cast("asyncio.Transport", transport)
        self._loop = loop
        self._head: bytes = b""

    @override
    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._head:
            head, self._head = self._head, b""
            self._transport.write(b"".join((head, data)))
        elif data[: len(_HEAD)] == _HEAD:
            self._head = bytes(data)
            self._loop.call_soon(self.flush)
        else:
            self._transport.write(data)

    def flush(self) -> None:
        """Write the head, if nothing has followed it yet."""
        head, self._head = self._head, b""
        if head:
            self._transport.write(head)

    @override
    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    @override
    def close(self) -> None:
        self.flush()
        self._transport.close()

    @override
    def abort(self) -> None:
        self._head = b""
        self._transport.abort()

    @override
    def is_closing(self) -> bool:
        return self._transport.is_closing()

    @override
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    @override
    def pause_reading(self) -> None:
        self._transport.pause_reading()

    @override
    def resume_reading(self) -> None:
        self._transport.resume_reading()

    @override
    def is_reading(self) -> bool:
        return self._transport.is_reading()

    @override
    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size() + len(self._head)

    @override
    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)


def joined(transport: asyncio.BaseTransport, loop: asyncio.AbstractEventLoop) -> JoinedTransport:
    """Over this one, or this one if it is such already, as where another protocol takes a connection over."""
    return transport if isinstance(transport, JoinedTransport) else JoinedTransport(transport, loop)


class JoinedProtocol(EagerProtocol):
    """uvicorn's own that begins at once, over such a transport."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(joined(transport, self.loop))
