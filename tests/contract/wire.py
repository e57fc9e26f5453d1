"""A client of the scripts that leaves HTTP and the event loop out, for histories of thousands of steps."""

from __future__ import annotations

import socket
from collections.abc import Coroutine, Sequence
from typing import Any, override

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.adapters.upstash.client import Reply
from gateway_core.adapters.upstash.rest import RestClient
from gateway_core.adapters.upstash.scripts import Script
from local.loopback import LOOPBACK


def at_once[T](work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits, without an event loop."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the coroutine waits for something")


class Wire(RestClient):
    """Speaks RESP to the server and blocks until it answers. An error that is not NOSCRIPT is a failed test."""

    def __init__(self, port: int) -> None:
        super().__init__("http://unused.invalid", "")
        self._socket = socket.create_connection((LOOPBACK, port))
        self._replies = self._socket.makefile("rb")

    @override
    async def execute(self, *command: str | int) -> Reply:
        words = [str(word).encode() for word in command]
        bulk = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        self._socket.sendall(b"*%d\r\n%s" % (len(words), bulk))
        return self._read()

    @override
    async def pipeline(self, commands: Sequence[Sequence[str | int]]) -> list[Reply]:
        return [await self.execute(*command) for command in commands]

    @override
    async def run(self, script: Script, keys: Sequence[str], arguments: Sequence[str]) -> Reply:
        try:
            return await self.execute("EVALSHA", script.sha, len(keys), *keys, *arguments)
        except LookupError:
            return await self.execute("EVAL", script.text, len(keys), *keys, *arguments)

    @override
    async def close(self) -> None:
        self._replies.close()
        self._socket.close()

    def _read(self) -> Reply:
        line = self._replies.readline()[:-2].decode()
        kind, rest = line[:1], line[1:]
        match kind:
            case "+":
                return rest
            case ":":
                return int(rest)
            case "$":
                return None if rest == "-1" else self._replies.read(int(rest) + 2)[:-2].decode()
            case "*":
                return [self._read() for _ in range(int(rest))]
        raise (LookupError if rest.startswith("NOSCRIPT") else AssertionError)(line)


def wired_store(port: int) -> UpstashStore:
    """The store over a `Wire`."""
    store = UpstashStore("http://unused.invalid", "")
    store._client = Wire(port)
    return store
