"""Durable executions: AWS's own emulator of their engine, before functions that run under the real awslambdaric.

The emulator starts an execution by a call of its own, where Lambda does it by Invoke with a name; `DurableFront` makes
the one of the other. Waits and pauses pass at once, and stand in the history with the length that they were to have.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, override
from urllib.parse import quote

import httpx

from local.loopback import LOOPBACK
from local.serving import bind
from tests.lambda_runtime.emulator.fronts import Invokable, LambdaFront
from tests.lambda_runtime.emulator.http1 import Request, serving
from tests.patience import patience

ACCOUNT = "123456789012"
REGION = "eu-central-1"
_TIMEOUT_S = patience(60)


@dataclass
class Engine:
    """Executions by their names, at `url`, which is what Lambda's API is for the functions that have them."""

    url: str
    started: dict[str, str] = field(default_factory=dict)

    async def ready(self) -> None:
        """Wait until it listens."""
        async with asyncio.timeout(_TIMEOUT_S), httpx.AsyncClient() as http:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await http.get(f"{self.url}/health")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def start(self, function: str, name: str, event: str) -> None:
        """Begin an execution, if there is none of this name."""
        if name in self.started:
            return
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            answer = await http.post(
                f"{self.url}/start-durable-execution",
                json={
                    "AccountId": ACCOUNT,
                    "FunctionName": function,
                    "FunctionQualifier": "$LATEST",
                    "ExecutionName": name,
                    "ExecutionTimeoutSeconds": 90_000,
                    "ExecutionRetentionPeriodDays": 1,
                    "Input": event,
                },
            )
        assert answer.status_code == 201, answer.text
        self.started[name] = answer.json()["ExecutionArn"]

    async def ended(self, name: str) -> dict[str, Any]:
        """An execution once it has ended, as GetDurableExecution shows it."""
        async with asyncio.timeout(_TIMEOUT_S), httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            while True:
                found = (await http.get(self._url(name))).json()
                if found["Status"] != "RUNNING":
                    return dict(found)
                await asyncio.sleep(0.05)

    async def executions(self, function: str) -> list[dict[str, Any]]:
        """All executions of a function."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            answer = await http.get(f"{self.url}/2025-12-01/functions/{function}/durable-executions")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["DurableExecutions"])

    async def history(self, name: str) -> list[dict[str, Any]]:
        """All that the engine keeps of an execution."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_S) as http:
            answer = await http.get(f"{self._url(name)}/history", params={"IncludeExecutionData": "true"})
        assert answer.status_code == 200, answer.text
        return list(answer.json()["Events"])

    def _url(self, name: str) -> str:
        return f"{self.url}/2025-12-01/durable-executions/{quote(self.started[name], safe='')}"


class DurableFront(LambdaFront):
    """Lambda's API. What is invoked with a name becomes an execution, and is answered before it has begun."""

    def __init__(self, functions: Mapping[str, Invokable], engine: Engine | None = None) -> None:
        super().__init__(functions)
        self.engine = engine

    @override
    async def answer(self, request: Request) -> None:
        name = request.headers.get("x-amz-durable-execution-name")
        if name is None:
            await super().answer(request)
            return
        assert self.engine
        assert request.headers["x-amz-invocation-type"] == "Event"
        function = request.target.split("/")[3]
        await self.engine.start(function, name, (await request.body()).decode())
        await request.reply(202)


@contextlib.asynccontextmanager
async def running_engine(lambda_url: str, host: str = LOOPBACK) -> AsyncIterator[Engine]:
    """In a process of its own, which takes with it what it leaves open. This machine reaches it whatever `host` is."""
    with bind(0, LOOPBACK) as sock:
        port = str(sock.getsockname()[1])
    options = {"host": host, "port": port, "lambda-endpoint": lambda_url, "local-runner-region": REGION}
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("dex-local-runner")),
        "start-server",
        "--skip-time",
        *(text for name, value in options.items() for text in (f"--{name}", value)),
        env={"PATH": os.environ["PATH"], "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    engine = Engine(f"http://{LOOPBACK}:{port}")
    try:
        await engine.ready()
        yield engine
    finally:
        process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def durable_api(functions: Mapping[str, Invokable]) -> AsyncIterator[tuple[str, Engine]]:
    """The endpoint URL of Lambda's API, and the engine behind it. It sees functions that are added later."""
    front = DurableFront(functions)
    async with serving(front.answer) as address, running_engine(f"http://{address}") as engine:
        front.engine = engine
        yield f"http://{address}", engine
