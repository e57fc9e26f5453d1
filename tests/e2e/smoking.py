"""`scripts/smoke.sh`, and what may stand between it and a gateway."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import httpx
from starlette.types import Receive, Scope, Send

from tests.e2e.conftest import KEY
from tests.patience import patience

ROOT = Path(__file__).parents[2]
# The script runs python3 some forty times: this one's own, and no wrapper that looks for one first.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# The simulator repeats what it is asked, at this pace.
SLOWLY = f"[[pace=40]] {'word ' * 30}"

type Headers = Iterable[tuple[bytes, bytes]]
type Answer = tuple[int, Headers, bytes]


def smoke(url: str, *options: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    """Run the script to its end; nothing that it prints may have the key."""
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "scripts/smoke.sh"), *options, url],
        env={"PATH": PATH, "GATEWAY_KEY": key},
        capture_output=True,
        text=True,
        timeout=patience(55),
        check=False,
    )
    assert key not in done.stdout + done.stderr
    return done


def results(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """PASS or FAIL by what was checked."""
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines() if line[:4] in {"PASS", "FAIL"}]
    assert all(unit == "ms" and ms.isdecimal() for _verdict, ms, unit in (line[:3] for line in lines))
    return {line[3].partition(":")[0]: line[0] for line in lines}


def failures(done: subprocess.CompletedProcess[str]) -> set[str]:
    """What was checked and is not as it should be."""
    return {name for name, verdict in results(done).items() if verdict == "FAIL"}


class Proxy:
    """Hands requests of HTTP on to a gateway.

    `holds` gives whole answers only; `instead` answers a request itself, where it gives an answer; `headers` makes
    others of an answer's own.
    """

    def __init__(
        self,
        url: str,
        *,
        holds: bool = False,
        instead: Callable[[Scope], Answer | None] = lambda _scope: None,
        headers: Callable[[Headers], Headers] = lambda own: own,
    ) -> None:
        self._url, self._holds, self._instead, self._headers = url.rstrip("/"), holds, instead, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if own := self._instead(scope):
            status, headers, body = own
            await _body(receive)
            await send({"type": "http.response.start", "status": status, "headers": list(headers)})
            await send({"type": "http.response.body", "body": body})
            return
        target = f"{self._url}{scope['path']}?{scope['query_string'].decode()}"
        kept = [(name, value) for name, value in scope["headers"] if name not in {b"host", b"content-length"}]
        async with (
            httpx.AsyncClient(timeout=patience(30)) as http,
            http.stream(scope["method"], target, headers=kept, content=await _body(receive)) as answer,
        ):
            await self._hand_on(answer, send)

    async def _hand_on(self, answer: httpx.Response, send: Send) -> None:
        headers = list(self._headers([(name.lower(), value) for name, value in answer.headers.raw]))
        begin = {"type": "http.response.start", "status": answer.status_code, "headers": headers}
        if self._holds:
            whole = b"".join([part async for part in answer.aiter_raw()])
            await send(begin)
            await send({"type": "http.response.body", "body": whole})
            return
        await send(begin)
        async for part in answer.aiter_raw():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body"})


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)
