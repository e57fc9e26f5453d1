"""A hash read a page at a time, so that one with very many fields keeps the server for nobody else busy."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway_core.adapters.upstash.books import pairs
from gateway_core.adapters.upstash.client import Client

PAGE = 1000
FIRST = "0"


async def hash_page(client: Client, key: str, pattern: str, cursor: str = FIRST) -> tuple[dict[str, str], str]:
    """Fields that match, about PAGE of them, and the cursor behind them: `0` at the end. One may come twice."""
    reply = await client.execute("HSCAN", key, cursor, "MATCH", pattern, "COUNT", PAGE)
    if not isinstance(reply, list) or len(reply) != 2:  # noqa: PLR2004 - a cursor and a list
        return {}, FIRST
    return pairs(reply[1]), str(reply[0])


async def hash_pages(client: Client, key: str, pattern: str) -> AsyncIterator[dict[str, str]]:
    """All pages of it."""
    fields, cursor = await hash_page(client, key, pattern)
    yield fields
    while cursor != FIRST:
        fields, cursor = await hash_page(client, key, pattern, cursor)
        yield fields
