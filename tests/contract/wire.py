"""A client of the scripts that leaves HTTP out, for histories of thousands of steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import override

from gateway_core.adapters.upstash.rest import Reply, RestClient
from gateway_core.adapters.upstash.scripts import Script
from gateway_core.adapters.upstash.store import UpstashStore
from local.upstash.resp import Connection, ErrorReply
from local.upstash.resp import Reply as Resp


class Wire(RestClient):
    """Speaks to the server itself; any error is a failed test."""

    def __init__(self, port: int) -> None:
        super().__init__("http://unused.invalid", "")
        self._port = port
        self._connection: Connection | None = None

    @override
    async def execute(self, *command: str | int) -> Reply:
        if self._connection is None:
            self._connection = await Connection.open(self._port)
        self._connection.send([str(word).encode() for word in command])
        return _text(await self._connection.read())

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
        if self._connection:
            await self._connection.closed()


def wired_store(port: int) -> UpstashStore:
    """The store over a `Wire`."""
    store = UpstashStore("http://unused.invalid", "")
    store._client = Wire(port)
    return store


def _text(reply: Resp) -> Reply:
    if isinstance(reply, ErrorReply):
        raise (LookupError if reply.text.startswith("NOSCRIPT") else AssertionError)(reply.text)
    if isinstance(reply, list):
        return [_text(item) for item in reply]
    return reply.decode() if isinstance(reply, bytes) else reply
