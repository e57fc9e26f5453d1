"""What is true at the moment at which a job begins to exist: from then on, whoever looks for jobs may find it."""

from functools import partial

import httpx
import pytest

from gateway_core.adapters.job_bell import JobBell
from gateway_core.api import ask
from gateway_core.api.app import create_app
from gateway_core.batch.job_log import parse_questions
from gateway_core.services import Jobs
from gateway_core.store.jobs import JobName

BODY = {"questions": [{"index": 1, "question": "Why?", "model": "first"}]}


@pytest.fixture
def found(world, monkeypatch):
    """The names and inputs of the jobs that the store was given, as they were found then."""
    store, found = world.services.store, []
    create = store.create_job

    async def watched(job, **options):
        found.append((job.name, await store.read_input(job.name)))
        return await create(job, **options)

    monkeypatch.setattr(store, "create_job", watched)
    return found


@pytest.fixture
async def client(world):
    """With a key of the project alpha."""
    jobs = Jobs(world.services.store, JobBell())
    app = create_app(world.services, partial(ask.router, jobs=jobs))
    headers = {"authorization": f"Bearer {await world.key()}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway", headers=headers
    ) as http:
        yield http


async def test_its_questions_are_there(client, found):
    """A process that looks for jobs just then finds them, and does not end the job as lost."""
    assert (await client.post("/ask?mode=job", json=BODY)).status_code == 202
    ((_, questions),) = found
    assert [question.text for question in parse_questions(questions)] == ["Why?"]


async def test_a_repeat_leaves_nothing_behind(client, found, world):
    """Its copy of the questions is gone; the job of before, and its idempotency key, are as they were."""
    headers = {"idempotency-key": "once"}
    ids = [(await client.post("/ask?mode=job", json=BODY, headers=headers)).json()["id"] for _ in range(3)]
    assert len(set(ids)) == 1
    first, *copies = [name for name, _ in found]
    assert first == JobName.parse(ids[0])
    assert await world.services.store.read_input(first)
    assert [await world.services.store.read_input(name) for name in copies] == [None, None]
