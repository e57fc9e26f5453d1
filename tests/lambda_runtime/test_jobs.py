"""Jobs as on AWS: `ask` starts them, an execution of `jobs` works on them, S3 keeps what is large, `ask` tells."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from typing import Any

import pytest

from gateway_core.invocation import read_answer
from gateway_core.store.jobs import JobName
from local.serving import serve
from tests.lambda_runtime.deployment import JOBS, STARTED, Backend, function, running_backend
from tests.lambda_runtime.durable import Engine, durable_api
from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Environment, deployed
from tests.lambda_runtime.emulator.events import rest_event
from tests.lambda_runtime.emulator.runtime_api import End, Failed, Item
from tests.lambda_runtime.s3 import Bucket
from tests.patience import patience
from tests.template.test_template import FUNCTIONS

pytestmark = pytest.mark.xdist_group("lambda-jobs")

MODEL = "deepseek-v3.2"
SECRET = "the-word-of-the-question"
QUESTIONS = [
    {"index": 1, "question": f"Say {SECRET}", "model": MODEL, "method": "sequential"},
    {"index": 2, "question": "Repeat {Q1_result}", "model": MODEL, "method": "sequential"},
    {"index": 3, "question": "Say something else", "model": MODEL},
]


@dataclasses.dataclass(frozen=True)
class Deployment:
    """What is deployed, and what of AWS is behind it."""

    backend: Backend
    functions: Mapping[str, Environment]
    engine: Engine
    bucket: Bucket

    async def call(self, method: str, path: str, key: str, **body: Any) -> tuple[int, Any]:
        """Status and body of a request to `ask`, as API Gateway sends it."""
        headers = [("authorization", f"Bearer {key}"), ("content-type", "application/json")]
        event = rest_event(method, path, headers, json.dumps(body).encode() if body else b"")
        seen = await collect(self.functions["ask"].invoke(event, patience(60)))
        assert isinstance(seen.last, End), seen.last
        answer = read_answer(seen.payload)
        return answer.status, json.loads(answer.body)

    async def accept(self, key: str, questions: list[dict[str, Any]] = QUESTIONS) -> JobName:
        """A job that was accepted."""
        status, body = await self.call("POST", "/ask?mode=job", key, questions=questions)
        assert status == 202, body
        name = JobName.parse(body["id"])
        assert name
        return name

    def objects(self, name: JobName) -> list[str]:
        """What S3 has of a job."""
        prefix = f"{name.project_id}/{name.token}/"
        return sorted(key.removeprefix(prefix) for key in self.bucket.objects if key.startswith(prefix))


@pytest.fixture(scope="module")
async def world(tmp_path_factory) -> AsyncIterator[Deployment]:
    """Importing LiteLLM takes seconds: `ask` and `jobs` have one environment each for all tests."""
    bucket = Bucket()
    async with contextlib.AsyncExitStack() as stack:
        aws = {**JOBS, "AWS_ENDPOINT_URL_S3": stack.enter_context(serve(bucket.app()))}
        backend = await stack.enter_async_context(running_backend(tmp_path_factory.mktemp("jobs")))
        reachable: dict[str, Deployed] = {}
        lambda_url, engine = await stack.enter_async_context(durable_api(reachable))
        ask = {**aws, "AWS_ENDPOINT_URL_LAMBDA": lambda_url, "GATEWAY_FUNCTION_JOBS": "gateway-jobs"}
        jobs = {**aws, "AWS_ENDPOINT_URL_LAMBDA": engine.url}
        asking, working = await asyncio.gather(
            stack.enter_async_context(deployed(with_variables("ask", backend, ask))),
            stack.enter_async_context(deployed(with_variables("jobs", backend, jobs))),
        )
        reachable["gateway-jobs"] = Deployed(working)
        yield Deployment(backend, {"ask": asking, "jobs": working}, engine, bucket)


@dataclasses.dataclass(frozen=True)
class Deployed:
    """Implements `Invokable`: an environment whose invocations have as much time as the template gives them."""

    environment: Environment

    async def invoke(self, event: Any, timeout_s: float = FUNCTIONS["JobWorker"]["Timeout"]) -> AsyncGenerator[Item]:
        async with contextlib.aclosing(self.environment.invoke(event, timeout_s)) as items:
            async for item in items:
                yield item


def with_variables(name: str, backend: Backend, environ: dict[str, str]) -> Any:
    """A function with more variables."""
    found = function(name, backend, "")
    return dataclasses.replace(found, environ={**found.environ, **environ})


@pytest.fixture
async def deployment(world) -> AsyncIterator[Deployment]:
    """Store and providers as new, but for keys and records."""
    await world.backend.renew()
    yield world
    await world.backend.renew()


async def test_a_job_is_worked_on_by_an_execution(deployment):
    """Accepted at once; then every question has one answer and one record, and the bucket has the rest."""
    key = await deployment.backend.key("alpha")
    name = await deployment.accept(key)
    ended = await deployment.engine.ended(name.token)
    assert ended["Status"] == "SUCCEEDED", (ended, deployment.functions["jobs"].log.lines)
    assert json.loads(ended["Result"]) == {"job": name.id, "state": "succeeded"}
    status, body = await deployment.call("GET", f"/ask/{name.id}", key)
    assert (status, body["state"]) == (200, "succeeded"), body
    results = {result["index"]: result["result"] for result in body["results"]}
    assert SECRET in results[1]
    assert results[1] in results[2]
    assert len(results) == 3
    records = await deployment.backend.records("alpha")
    assert [record.error_code for record in records] == ["", "", ""], "\n".join(deployment.functions["jobs"].log.lines)
    # The questions are dropped with the job's end.
    assert deployment.objects(name)[0].startswith("log/000000-")


async def test_the_engine_is_told_no_question_no_answer_and_no_key(deployment):
    """Its history is pointers: it is kept for a day, and read by whoever may look at the function."""
    key = await deployment.backend.key("beta")
    name = await deployment.accept(key)
    await deployment.engine.ended(name.token)
    history = await deployment.engine.history(name.token)
    text = json.dumps(history)
    assert name.id in text
    assert "work-1" in text
    for private in (SECRET, "heard", key):
        assert private not in text
    assert len(text) < 10_000


async def test_what_has_to_wait_pauses_the_execution(deployment):
    """A limit that is longer than it is worth to stay for: the function is left, and nothing is asked meanwhile."""
    deployment.backend.providers.fault("deepseek", "rate_limit", times=1, retry_after=8)
    key = await deployment.backend.key("gamma")
    name = await deployment.accept(key, QUESTIONS[2:])
    ended = await deployment.engine.ended(name.token)
    assert (ended["Status"], json.loads(ended["Result"])["state"]) == ("SUCCEEDED", "succeeded"), ended
    kinds = [event["EventType"] for event in await deployment.engine.history(name.token)]
    assert "WaitStarted" in kinds
    assert kinds.count("StepSucceeded") >= 2
    assert (await deployment.backend.calls())["totals"]["calls"] == 2


async def test_a_job_can_be_cancelled_and_is_not_begun_again(deployment):
    """What is asked already is answered; a copy of its start starts nothing."""
    key = await deployment.backend.key("delta")
    deployment.backend.sluice.hold_after(0)
    name = await deployment.accept(key, QUESTIONS[2:])
    status, body = await deployment.call("DELETE", f"/ask/{name.id}", key)
    assert (status, body["state"]) == (202, "cancelled")
    deployment.backend.sluice.release()
    ended = await deployment.engine.ended(name.token)
    assert json.loads(ended["Result"])["state"] == "cancelled"


async def test_an_event_that_is_none_ends_at_once(deployment):
    """Whoever starts an execution by hand and mistypes."""
    await deployment.engine.start("gateway-jobs", "by-hand", '{"job": "nonsense"}')
    ended = await deployment.engine.ended("by-hand")
    assert (ended["Status"], json.loads(ended["Result"])) == ("SUCCEEDED", {"error": "invalid_request"})


async def test_a_job_that_is_not_there_ends_at_once(deployment):
    """Its time is over, or it is another store's."""
    await deployment.engine.start("gateway-jobs", "no-such-job", json.dumps(STARTED["jobs"]))
    ended = await deployment.engine.ended("no-such-job")
    assert json.loads(ended["Result"]) == {"job": STARTED["jobs"]["job"], "state": None}


async def test_what_the_engine_did_not_send_is_an_error(deployment):
    """An event without an execution: the function was made without `DurableConfig`."""
    seen = await collect(deployment.functions["jobs"].invoke(STARTED["jobs"], patience(20)))
    assert isinstance(seen.last, Failed), seen.last
    assert "Unexpected payload" in str(seen)


async def test_projects_do_not_see_each_others(deployment):
    """The id says whose it is."""
    key, other = await deployment.backend.key("epsilon"), await deployment.backend.key("zeta")
    name = await deployment.accept(key, QUESTIONS[2:])
    assert (await deployment.call("GET", f"/ask/{name.id}", other))[0] == 403
    await asyncio.wait_for(deployment.engine.ended(name.token), patience(60))
