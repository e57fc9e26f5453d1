"""The process that `benchmarks.guard` measures: the gateway as `engine_worker` has it, and a yardstick beside it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO
from urllib.parse import urlsplit

from benchmarks.engine_worker import App, Message, ask

YARDSTICK = "/yardstick"
_WORK = 60
"""So often a document is written and read, that the yardstick costs about as much as a request."""
_DOCUMENT = {
    "messages": [{"role": "user", "content": "word " * 40}],
    "numbers": list(range(40)),
    "nested": {"a": [{}] * 9},
}


@dataclass(slots=True)
class Yardstick:
    """Three trips over kept connections, two of them to the store, and a fixed amount of Python: the same for ever.

    What a machine is slow at, be it system calls or the interpreter, slows both.
    """

    store: str
    provider: str
    token: str
    connections: dict[str, tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=dict)

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        asked = await receive()
        for url, method in ((self.store, "POST / "), (self.provider, "GET /models "), (self.store, "POST / ")):
            await self._trip(url, method)
        for _ in range(_WORK):
            json.loads(json.dumps(_DOCUMENT))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-path", scope["path"].encode())]})
        await send({"type": "http.response.body", "body": asked["body"]})

    async def _trip(self, url: str, method: str) -> None:
        parts = urlsplit(url)
        if url not in self.connections:
            self.connections[url] = await asyncio.open_connection(parts.hostname, parts.port)
        reader, writer = self.connections[url]
        body, (verb, path) = b'["PING"]', method.split(maxsplit=1)
        head = f"{verb} {parts.path}{path.strip()} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        told = f"authorization: Bearer {self.token}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(f"{head}{told}".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in answer.split(b"\r\n")[1:-2])
        await reader.readexactly(int(lines[b"content-length"]))


async def serve(apps: Mapping[str, App], orders: TextIO, told: TextIO) -> None:
    """For each order: ask `count` times, and tell the CPU time of the cheapest, and how many parts the last one had.

    Between two of them others may have the processor, and empty its caches: an average would say how many others.
    """
    for order in map(json.loads, iter(orders.readline, "")):  # nothing else runs meanwhile
        costs, parts = list[int](), list[bytes]()
        for _ in range(order["count"]):
            began = time.process_time_ns()
            parts = await ask(apps[order["path"]], order)
            costs.append(time.process_time_ns() - began)
        told.write(json.dumps({"cpu_ns": min(costs), "parts": len(parts)}) + "\n")
        told.flush()


def main() -> None:
    """Serve the orders on stdin, as `engine_worker` does."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    from functions.stream.app import app as stream  # noqa: PLC0415 - not for who only asks

    yardstick = Yardstick(
        os.environ["UPSTASH_REDIS_REST_URL"],
        os.environ["OPENAI_API_BASE"],
        os.environ["UPSTASH_REDIS_REST_TOKEN"],
    )
    asyncio.run(serve({"/v1/chat/completions": stream, YARDSTICK: yardstick}, sys.stdin, told))


if __name__ == "__main__":
    main()
