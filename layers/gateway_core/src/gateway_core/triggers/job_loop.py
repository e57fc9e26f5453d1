"""Works on jobs in a process that lives on: those that it is told of, and those that a worker left when it died."""

from __future__ import annotations

import asyncio
import secrets
from contextvars import Context

from gateway_core.batch.job_recorder import Pace
from gateway_core.batch.job_rounds import Stay
from gateway_core.batch.patience import pause_s
from gateway_core.domain.errors import LLMError
from gateway_core.ports import JobFiles
from gateway_core.services import Current, ModelServices
from gateway_core.store.jobs import JobName
from gateway_core.triggers.jobs import worker_of

JOBS_AT_ONCE = 4
STAY_S = 3600.0
"""After so long a worker begins anew, with the configuration of then."""
AWAY_S = 2.0
"""How long it waits before it tries the store again."""
LOOK_S = 5.0
"""How often it looks for jobs that nobody works on, as long as there are any that have not ended."""
IDLE_LOOK_S = 60.0
"""How often where there are none: each look costs a command, and of new jobs a bell tells."""


class JobLoop:
    """Works on jobs, `JOBS_AT_ONCE` at a time. One that waits for a limit or a breaker takes no place.

    With a `project_id` it looks for jobs of this project only: what is configured here may fit no other's.
    """

    def __init__(
        self,
        source: Current[ModelServices],
        files: JobFiles,
        pace: Pace | None = None,
        look_s: float = LOOK_S,
        project_id: str | None = None,
    ) -> None:
        self._source = source
        self._files = files
        self._pace = pace or Pace()
        self._look_s = look_s
        self._project_id = project_id
        self._worker = secrets.token_hex(8)
        self._places = asyncio.Semaphore(JOBS_AT_ONCE)
        self._tasks: dict[JobName, asyncio.Task[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> None:
        """Until cancelled; then what is known of each job is written, and another process can go on with it."""
        self._loop = asyncio.get_running_loop()
        try:
            while True:
                found = await self._look()
                await asyncio.sleep(self._look_s if found else max(self._look_s, IDLE_LOOK_S))
        finally:
            self._loop = None
            tasks = list(self._tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def ring(self, name: JobName) -> None:
        """Begin with a job now, from any thread. It has nothing of the request that brought it, not its slot either."""
        loop = self._loop
        if loop is not None:
            loop.call_soon_threadsafe(self._begin, name, context=Context())

    async def _look(self) -> bool:
        """Begin with what there is. Whether there is any, which others may work on, or may be where nobody can tell."""
        try:
            listed = await self._source.now().store.open_jobs()
        except LLMError:
            return True
        names = [name for name in listed if self._project_id in {None, name.project_id}]
        for name in names:
            self._begin(name)
        return bool(names)

    def _begin(self, name: JobName) -> None:
        if name not in self._tasks:
            self._tasks[name] = task = asyncio.create_task(self._work_on(name))
            task.add_done_callback(lambda _: self._tasks.pop(name, None))

    async def _work_on(self, name: JobName) -> None:
        stay = Stay()
        while True:
            stay = await self._stay(name, stay.idle)
            if stay.state or stay.not_ours:
                return
            await asyncio.sleep(stay.pause_s)

    async def _stay(self, name: JobName, idle: int) -> Stay:
        async with self._places:
            services = self._source.now()
            try:
                worker = worker_of(services, self._files, self._worker, self._pace)
                stay = await worker.work(name, time_s=STAY_S, idle=idle)
            except LLMError:
                return Stay(pause_s=AWAY_S)
            except Exception as error:  # noqa: BLE001 - one job must not end the others; it is tried again
                services.telemetry.crashed(name.id, error, "job")
                return Stay(pause_s=pause_s(0.0, idle), idle=idle + 1)
            if stay.state and not stay.not_ours:
                services.telemetry.job_ended(name.id, stay.state, stay.error_code)
            return stay
