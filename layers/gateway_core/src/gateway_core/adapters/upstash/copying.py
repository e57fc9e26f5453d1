"""Copies one key of Redis to another database, whatever it is: its value, and when it ends."""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.adapters.upstash.client import Client, Reply
from gateway_core.adapters.upstash.pages import hash_pages
from gateway_core.adapters.upstash.reading import done, named, pairs, read, rows, text, texts
from gateway_core.domain.errors import StoreUnavailable

_PAGE = 500
_SIZES = {"hash": "HLEN", "zset": "ZCARD", "stream": "XLEN", "string": "STRLEN"}


class KeyCopier:
    """Copies between two databases what nobody writes to. All of it may be done again."""

    def __init__(self, source: Client, target: Client) -> None:
        self._source = source
        self._target = target

    async def copy(self, key: str, to: str) -> None:
        """Replace what there is at `to`. Raises StoreUnavailable, also where the copy is not as long as the key."""
        kind = await read(f"type of {key}", self._source.execute("TYPE", key), text)
        if kind == "none":  # it has ended meanwhile
            return
        await done(to, self._target.execute("DEL", to))
        copiers = {"hash": self._hash, "zset": self._zset, "stream": self._stream, "string": self._string}
        await copiers[kind](key, to)
        await self._end_alike(key, to)
        await self._compare(kind, key, to)

    async def _string(self, key: str, to: str) -> None:
        value = await self._source.execute("GET", key)
        if isinstance(value, str):
            await done(to, self._target.execute("SET", to, value))

    async def _hash(self, key: str, to: str) -> None:
        async for fields in hash_pages(self._source, key, "*"):
            if fields:
                flat = [part for pair in fields.items() for part in pair]
                await done(to, self._target.execute("HSET", to, *flat))

    async def _zset(self, key: str, to: str) -> None:
        start = 0
        while page := await read(
            key, self._source.execute("ZRANGE", key, start, start + _PAGE - 1, "WITHSCORES"), pairs
        ):
            scored = [part for member, score in page.items() for part in (score, member)]
            await done(to, self._target.execute("ZADD", to, *scored))
            start += _PAGE

    async def _stream(self, key: str, to: str) -> None:
        after = "-"
        while entries := await read(key, self._source.execute("XRANGE", key, after, "+", "COUNT", _PAGE), _entries):
            await done(to, self._target.pipeline([("XADD", to, number, *fields) for number, fields in entries]))
            after = f"({entries[-1][0]}"

    async def _end_alike(self, key: str, to: str) -> None:
        left_ms = await self._source.execute("PTTL", key)
        if isinstance(left_ms, int) and left_ms > 0:
            await done(to, self._target.execute("PEXPIRE", to, left_ms))

    async def _compare(self, kind: str, key: str, to: str) -> None:
        sizes = [await client.execute(_SIZES[kind], name) for client, name in ((self._source, key), (self._target, to))]
        if sizes[0] != sizes[1] and await self._source.execute("EXISTS", key):
            raise StoreUnavailable(f"The copy of {to} is not whole. Run the command again.")


def _entries(reply: Reply) -> Sequence[tuple[str, Sequence[str]]]:
    """Entries of a stream: the id and the flat list of fields of each."""
    with named("entries of a stream"):
        return [(text(number), texts(fields)) for number, fields in map(rows, rows(reply))]
