"""A gateway in a process of its own, which is asked by lines of JSON and says what its answers cost in CPU.

It imports the functions of whichever tree PYTHONPATH names, and nothing else of it: so two versions can be compared.
No server is around the app, and no runtime of Lambda: neither is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TextIO

type Message = Mapping[str, Any]
type App = Callable[..., Awaitable[None]]


@dataclass(slots=True)
class Client:
    """One request, whose body is there at once, and whose client waits for all of the answer."""

    body: bytes
    asked: bool = False
    status: int = 0
    parts: list[bytes] = field(default_factory=list)

    async def receive(self) -> Message:
        if self.asked:
            await asyncio.Event().wait()  # until it is cancelled
        self.asked = True
        return {"type": "http.request", "body": self.body, "more_body": False}

    async def send(self, message: Message) -> None:
        self.status = message.get("status", self.status)
        if part := message.get("body"):
            self.parts.append(part)


def scope(path: str, key: str) -> dict[str, Any]:
    """A POST of JSON, as a server hands it to the app."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 80),
    }


async def ask(app: App, order: Message) -> list[bytes]:
    """The parts of an answer. Raises RuntimeError unless it is one."""
    client = Client(json.dumps(order["body"]).encode())
    await app(scope(order["path"], order["key"]), client.receive, client.send)
    said = b"".join(client.parts)
    if client.status != 200 or b'"error"' in said:  # noqa: PLR2004 - HTTP
        raise RuntimeError(f"{order['path']} answered {client.status}: {said[-600:]!r}")
    return client.parts


async def serve(apps: Mapping[str, App], orders: TextIO, told: TextIO) -> None:
    """For each order: ask `count` times, and tell the CPU time of the process in between, and the last answer."""
    for order in map(json.loads, iter(orders.readline, "")):  # nothing else runs meanwhile
        parts: list[bytes] = []
        began = time.process_time_ns()
        for _ in range(order["count"]):
            parts = await ask(apps[order["path"]], order)
        took = time.process_time_ns() - began
        said = {"parts": len(parts), "text": b"".join(parts).decode()}
        told.write(json.dumps({"cpu_ns": took // order["count"], **said}) + "\n")
        told.flush()


def main() -> None:
    """Serve the orders on stdin. What the functions print goes nowhere, as it costs the same everywhere."""
    told = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Here, not above: whose they are is for PYTHONPATH to say.
    from functions.complete.app import app as complete  # noqa: PLC0415
    from functions.stream.app import app as stream  # noqa: PLC0415

    apps = {"/v1/complete": complete, "/v1/stream": stream, "/v1/chat/completions": stream, "/v1/messages": stream}
    asyncio.run(serve(apps, sys.stdin, told))


if __name__ == "__main__":
    main()
