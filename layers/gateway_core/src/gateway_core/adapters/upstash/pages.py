"""A hash read a page at a time, so that one with very many fields keeps the server for nobody else busy."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway_core.adapters.upstash.client import Client
from gateway_core.adapters.upstash.reading import named, read, rows, scanned, text, texts
from gateway_core.domain.errors import StoreUnreadable

PAGE = 1000
FEW = 10_000
"""The size of a page of which few fields match: these take the server milliseconds."""
FIRST = "0"


async def hash_page(
    client: Client, key: str, pattern: str, cursor: str = FIRST, *, size: int = PAGE
) -> tuple[dict[str, str], str]:
    """Fields that match among about `size` of them, and the cursor behind them: `0` at the end. One may come twice.

    Raises StoreUnreadable, as all that reads here.
    """
    after, fields = await read(key, client.execute("HSCAN", key, cursor, "MATCH", pattern, "COUNT", size), scanned)
    return fields, after


async def hash_pages(client: Client, key: str, pattern: str, *, size: int = PAGE) -> AsyncIterator[dict[str, str]]:
    """All pages of it."""
    turns = Turns(key)
    fields, cursor = await hash_page(client, key, pattern, size=size)
    yield fields
    while cursor != FIRST:
        fields, cursor = await hash_page(client, key, pattern, turns.next(cursor), size=size)
        yield fields


async def key_pages(client: Client, pattern: str) -> AsyncIterator[list[str]]:
    """Names of keys that match, about as many of all keys looked at a time. One may come twice."""
    turns, cursor = Turns("keys of a database"), FIRST
    while True:
        after, found = await read(
            "answer of SCAN", client.execute("SCAN", cursor, "MATCH", pattern, "COUNT", PAGE), rows
        )
        with named("answer of SCAN"):
            yield texts(found)
            cursor = turns.next(text(after))
        if cursor == FIRST:
            return


class Turns:
    """Cursors of one scan, none of which comes twice: who answers that would be asked for ever."""

    def __init__(self, key: str) -> None:
        self._key = key
        self._seen: set[str] = set()

    def next(self, cursor: str) -> str:
        """The cursor. Raises StoreUnreadable for one that was there before."""
        if cursor in self._seen:
            raise StoreUnreadable.of(self._key)
        self._seen.add(cursor)
        return cursor
