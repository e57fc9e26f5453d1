"""A caller that costs little: HTTP/1.1 by hand over kept connections, OpenAI's chat form.

All callers of a kind are answered the same: `WORDS` words, whole or one in a chunk. What is not that is an error.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

WORDS = 20
_CONTENT = re.compile(rb'"content"\s*:\s*"[^"]')
_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding:\s*chunked", re.IGNORECASE)
_PATIENCE_S = 120.0


class BadAnswer(Exception):
    """Not what was asked for."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server takes requests of OpenAI's chat form, and under which name it knows the model."""

    url: str
    model: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def request(self, *, streams: bool) -> bytes:
        """All bytes of one."""
        url = urlsplit(self.url)
        body = json.dumps(asked(self.model, streams=streams)).encode()
        lines = {"host": url.netloc, "content-type": "application/json", "content-length": str(len(body))}
        told = "".join(f"{name}: {value}\r\n" for name, value in {**lines, **self.headers}.items())
        return f"POST {url.path} HTTP/1.1\r\n{told}\r\n".encode() + body


def asked(model: str, *, streams: bool) -> dict[str, object]:
    """The body: a few lines of instructions, a question, and a bound for the answer."""
    question = f"[[reasoning=0]] [[words={WORDS}]] Say in {WORDS} words what you know of serverless gateways, please."
    body: dict[str, object] = {
        "model": model,
        "messages": [
            {"role": "system", "content": "You answer briefly, in plain words, and only what you were asked for."},
            {"role": "user", "content": question},
        ],
        "max_completion_tokens": 64,
    }
    return {**body, "stream": True, "stream_options": {"include_usage": True}} if streams else body


@dataclass(frozen=True, slots=True)
class Reply:
    """Seconds to the first content and to the end."""

    first_s: float
    took_s: float


class Connection:
    """One, which is kept. Raises BadAnswer or OSError, and is of no use then."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, url: str) -> Connection:
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    def close(self) -> None:
        self._writer.close()

    async def ask(self, request: bytes, *, streams: bool) -> Reply:
        """Ask and wait for all of the answer."""
        clock = asyncio.get_running_loop().time
        began_s = clock()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                self._writer.write(request)
                head = await self._reader.readuntil(b"\r\n\r\n")
                body = bytearray()
                first_s = await self._read(head, body, clock)
        except (EOFError, TimeoutError) as error:
            raise BadAnswer(repr(error)) from error
        took_s = clock() - began_s
        check(head, bytes(body), streams=streams)
        return Reply(first_s - began_s, took_s)

    async def _read(self, head: bytes, body: bytearray, clock: Callable[[], float]) -> float:
        """The moment of the first content."""
        if not _CHUNKED.search(head):
            length = _LENGTH.search(head)
            body += await self._reader.readexactly(int(length[1]) if length else 0)
            return clock()
        first_s = 0.0
        while size := int((await self._reader.readuntil(b"\r\n")).split(b";")[0], 16):
            body += (await self._reader.readexactly(size + 2))[:-2]
            if not first_s and _CONTENT.search(body):
                first_s = clock()
        await self._reader.readuntil(b"\r\n")
        return first_s or clock()


def check(head: bytes, body: bytes, *, streams: bool) -> None:
    """Raises BadAnswer unless it is whole."""
    good = head.split(b" ", 2)[1] == b"200"
    if good and streams:
        good = b"data: [DONE]" in body and len(_CONTENT.findall(body)) >= WORDS
    elif good:
        good = len(str(json.loads(body)["choices"][0]["message"]["content"]).split()) == WORDS
    if not good:
        raise BadAnswer(f"{head[:60]!r} {body[:600]!r}")
