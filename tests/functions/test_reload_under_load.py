"""The document changes many times under concurrent requests: none fails, and each is served by exactly one version."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest

from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.config_sources import open_sources
from gateway_core.api import chat, complete, models, stream
from gateway_core.api.app import create_app
from gateway_core.bootstrap import with_gateway
from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.config.reload import ReloadingServices
from gateway_core.telemetry.telemetry import Telemetry
from tests.patience import patience

WORKERS = 9
VERSIONS = 12
PATIENCE_S = 50
MODELS = ("gpt-5.1", "gpt-5.1-mini")
WORDS = 7


def document(version: int) -> str:
    """A group of one model, whose price is the version in USD per token; the two models take turns."""
    model = MODELS[version % 2]
    return f"""
        reload_s: 0.001
        groups: {{busy: [{model}]}}
        pricing: {{per_tokens: 1, models: {{{model}: {{input: {version}, output: 0}}}}}}
    """


def invalid(version: int) -> str:
    """Half of it is fine."""
    return document(version) + "aliases: {busy: no-such-model}\n"


class Operator:
    """Edits the document as one should: a new file takes the place of the old one."""

    def __init__(self, folder) -> None:
        self.path = folder / "config.yaml"

    def write(self, text: str) -> None:
        draft = self.path.with_suffix(".new")
        draft.write_text(text)
        draft.replace(self.path)


@pytest.fixture
def operator(tmp_path):
    """The first version is there before the process starts."""
    made = Operator(tmp_path)
    made.write(document(1))
    return made


class Reports(Telemetry):
    """Hands what is told of reloads, in their threads, to the loop of the test."""

    def __init__(self, log: io.StringIO) -> None:
        super().__init__(stream=log, service="reports")
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()

    def config_reloaded(self, version, **story):
        super().config_reloaded(version, **story)
        self._loop.call_soon_threadsafe(self.told.put_nowait, "reloaded")

    def config_rejected(self, error, version, **story):
        super().config_rejected(error, version, **story)
        self._loop.call_soon_threadsafe(self.told.put_nowait, "rejected")


@pytest.fixture
async def reports(world):
    return Reports(world.log)


@pytest.fixture
async def live(world, operator, reports):
    """A process in the small world's place that reloads in real threads, by the clock of the machine."""
    loader = SettingsLoader({}, open_sources(str(operator.path)), None)
    inputs = Inputs(loader.documents(), {})
    known = replace(world.services, clock=SystemClock(), telemetry=reports)

    def wire(settings):
        return with_gateway(replace(known, settings=settings), world.provider)

    return ReloadingServices(loader, inputs, loader.settings(inputs), wire, known.telemetry, known.clock)


@pytest.fixture
async def client(world, live):
    """Speaks to the process; a server error is raised rather than answered."""
    app = create_app(live, complete.router, stream.router, chat.router, models.router)
    headers = {"authorization": f"Bearer {await world.key()}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as http:
        yield http


async def completed(client) -> tuple[str, int]:
    """Model and version of an answer, by what it cost."""
    body = {"messages": [{"role": "user", "content": "w " * WORDS}], "model_group": "busy", "max_tokens": 1}
    answer = await client.post("/v1/complete", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["model"], version_of(answer.json()["cost"]["total_usd"])


async def streamed(client) -> tuple[str, int]:
    """The same of a stream."""
    body = {"messages": [{"role": "user", "content": "w " * WORDS}], "model_group": "busy", "max_tokens": 1}
    answer = await client.post("/v1/stream", json=body)
    done = json.loads(answer.text.partition("event: done\ndata: ")[2].partition("\n")[0])
    return done["model"], version_of(done["cost"]["total_usd"])


async def listed(client) -> tuple[str, int]:
    """The same of the list of models."""
    answer = await client.get("/v1/models")
    (model,) = [entry for entry in answer.json()["data"] if "busy" in entry["groups"]]
    return model["id"], int(Decimal(model["pricing"]["input"]) / 1_000_000)


def version_of(total_usd: str) -> int:
    return int(Decimal(total_usd) / WORDS)


@pytest.mark.timeout(120)
async def test_each_request_is_served_by_one_version(world, client, operator, reports):
    """Whatever arrives when: model and price match, nothing fails, and every invalid document is reported once."""
    seen: list[tuple[str, int]] = []
    stopped = asyncio.Event()

    async def work(ask) -> None:
        while not stopped.is_set():
            seen.append(await ask(client))
            await asyncio.sleep(0)

    asks = itertools.islice(itertools.cycle((completed, streamed, listed)), WORKERS)
    async with asyncio.timeout(patience(PATIENCE_S)), asyncio.TaskGroup() as group:
        for ask in asks:
            group.create_task(work(ask))
        for version in range(2, VERSIONS):
            operator.write(document(version) if version % 3 else invalid(version))
            assert await reports.told.get() == ("reloaded" if version % 3 else "rejected")
        last = await completed(client)
        stopped.set()

    assert {model for model, version in seen if model != MODELS[version % 2]} == set()
    assert {version for _model, version in seen} <= {version for version in range(1, VERSIONS) if version % 3}
    assert len({version for _model, version in seen}) > VERSIONS / 3, "requests ran under many versions"
    assert last == (MODELS[(VERSIONS - 1) % 2], VERSIONS - 1)
    assert reports.told.empty()
    for record in await world.records():
        assert record.error_code == ""
        assert record.model == MODELS[record.cost_nano // WORDS // 10**9 % 2]
