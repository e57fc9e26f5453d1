"""The routes of jobs as a client sees them, with a worker that works when a test says so."""

from __future__ import annotations

from typing import Any

import httpx
from starlette.applications import Starlette

from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.batch.job_recorder import Pace
from gateway_core.batch.job_rounds import Stay
from gateway_core.invocation import FunctionUnavailable
from gateway_core.services import Jobs
from gateway_core.store.jobs import JobName
from gateway_core.triggers.job_loop import STAY_S
from gateway_core.triggers.jobs import worker_of
from tests.conftest import World

QUESTIONS = {"questions": [{"index": 1, "question": "one", "model": "first"}]}


class Starter:
    """Implements `JobStarter`: remembers, and fails if it is told to."""

    def __init__(self) -> None:
        self.started: list[JobName] = []
        self.fails = False

    async def start(self, name: JobName) -> None:
        if self.fails:
            raise FunctionUnavailable("TooManyRequestsException", retry_after_s=5)
        self.started.append(name)


class JobDesk:
    """A client of the routes, whose jobs are worked on when it says so."""

    def __init__(self, world: World, http: httpx.AsyncClient, starter: Starter) -> None:
        self.world, self.http, self.starter = world, http, starter

    async def accept(self, body: Any = None, key: str | None = None, **headers: str) -> httpx.Response:
        sent = {**headers, **({"authorization": f"Bearer {key}"} if key else {})}
        named = {name.replace("_", "-"): value for name, value in sent.items()}
        return await self.http.post("/ask?mode=job", json=body or QUESTIONS, headers=named)

    async def accepted(self, *args: Any, **kwargs: Any) -> str:
        """The id of a job that is accepted."""
        answer = await self.accept(*args, **kwargs)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        return job_id

    async def look(self, job_id: str, key: str | None = None, **query: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return await self.http.get(f"/ask/{job_id}", params=query, headers=headers)

    async def work(self, job_id: str) -> Stay:
        """What one stay of the worker at the job comes to."""
        name = JobName.parse(job_id)
        assert name
        worker = worker_of(self.world.services, self.world.store, "w", Pace())
        return await worker.work(name, time_s=STAY_S)


def error_of(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and field of a refusal."""
    return answer.status_code, answer.json()["error"]["code"], answer.json()["error"]["param"]


def app_of(world: World, jobs: Jobs | None) -> Starlette:
    """The routes of batches, with these jobs or none."""
    return create_app(world.services, lambda source: ask.router(source, jobs))
