"""An execution environment: a Runtime API, and the real awslambdaric in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.lambda_runtime.emulator.runtime_api import Failed, Item, RuntimeApi
from tests.patience import patience

REPOSITORY = Path(__file__).parents[3]
WRAPPER = REPOSITORY / "layers/gateway_core/stream-runtime"
APPS = REPOSITORY / "tests/lambda_runtime/apps"
MANAGED = "/var/runtime/bootstrap.py"
TIMEOUT_S = 20.0
"""How long Lambda lets an invocation run, on a machine that has nothing else to do."""


@dataclass(frozen=True)
class Function:
    """What is deployed. `command` is what Lambda runs: an exec wrapper and, as its arguments, the managed runtime."""

    handler: str = "probe.handler"
    task_root: Path = APPS
    command: tuple[str, ...] = (str(WRAPPER), sys.executable, MANAGED)
    environ: Mapping[str, str] = field(default_factory=dict)
    is_snapstart: bool = False

    def environment(self, address: str) -> dict[str, str]:
        """The variables that Lambda sets, and no others of this process but PATH."""
        found = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "AWS_LAMBDA_RUNTIME_API": address,
            "AWS_LAMBDA_FUNCTION_NAME": "probe",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if self.is_snapstart else "on-demand",
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_SESSION_TOKEN": "test",
            "LAMBDA_TASK_ROOT": str(self.task_root),
            "_HANDLER": self.handler,
        }
        return found | dict(self.environ)


class Log:
    """What a process prints, by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._grew = asyncio.Condition()

    async def follow(self, reader: asyncio.StreamReader | None) -> None:
        """Collect until the process closes its output."""
        while reader and (line := await reader.readline()):
            async with self._grew:
                self.lines.append(line.decode())
                self._grew.notify_all()

    async def line_with(self, *texts: str) -> str:
        """The first line that holds all `texts`, as soon as there is one."""
        async with self._grew:
            while True:
                for line in self.lines:
                    if all(text in line for text in texts):
                        return line
                await self._grew.wait()

    async def lines_with(self, text: str, count: int) -> None:
        """Wait until so many lines hold `text`."""
        async with self._grew:
            await self._grew.wait_for(lambda: sum(text in line for line in self.lines) >= count)


class Environment:
    """Serves one invocation at a time. Times out as Lambda does: the process is killed."""

    def __init__(self, api: RuntimeApi, process: asyncio.subprocess.Process, log: Log) -> None:
        self.api = api
        self.log = log
        self._process = process
        self._lock = asyncio.Lock()

    @property
    def pid(self) -> int:
        return self._process.pid

    async def invoke(
        self, event: Any, timeout_s: float = TIMEOUT_S, most_times: float = math.inf
    ) -> AsyncGenerator[Item]:
        """The answer to an event (JSON, or bytes as they are), part by part.

        A slow machine is given longer, `most_times` as long at most.
        """
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        async with self._lock, contextlib.aclosing(self.api.invoke(payload, patience(timeout_s, most_times))) as items:
            async for item in items:
                if item == Failed("Sandbox.Timedout"):
                    self.kill()
                yield item

    def kill(self) -> None:
        """End the process and its workers, if they have not ended by themselves."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def ready(self) -> None:
        """Wait for the first poll or for the snapshot; after an init error, for the process's end."""
        signs = {asyncio.ensure_future(sign.wait()) for sign in (self.api.polled, self.api.at_snapshot, self._process)}
        await asyncio.wait(signs, return_when=asyncio.FIRST_COMPLETED)
        for sign in signs:
            sign.cancel()

    async def exited(self) -> int:
        """The exit code of the process."""
        return await self._process.wait()

    async def mourn(self) -> None:
        """When the process ends, its invocations fail."""
        await self._process.wait()
        await self.api.end("Runtime.ExitError")


@contextlib.asynccontextmanager
async def deployed(function: Function) -> AsyncIterator[Environment]:
    """Start an environment and wait until it is ready, or until its init failed."""
    async with RuntimeApi().serve() as api:
        process = await asyncio.create_subprocess_exec(
            *function.command,
            cwd=function.task_root,
            env=function.environment(api.address),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        environment = Environment(api, process, log := Log())
        watchers = [asyncio.create_task(log.follow(process.stdout)), asyncio.create_task(environment.mourn())]
        try:
            await environment.ready()
            yield environment
        finally:
            environment.kill()
            await asyncio.gather(*watchers)
