"""A function whose configuration changes, in a process that Lambda freezes between requests."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway_core.invocation import read_answer
from gateway_core.store.virtual_keys import KeyRecord, digest_of
from tests.lambda_runtime.deployment import EVENTS, Backend, function, running_backend
from tests.lambda_runtime.emulator.answer import collect
from tests.lambda_runtime.emulator.environment import Environment, deployed
from tests.lambda_runtime.emulator.runtime_api import End

MOST_REQUESTS = 200


@pytest.fixture
async def backend(tmp_path) -> AsyncIterator[Backend]:
    """With the key that the events carry."""
    async with running_backend(tmp_path) as found:
        await found.store.put_key(KeyRecord(project_id="dev", digest=digest_of("gk_dev_local"), admin=True))
        yield found


@pytest.fixture
async def models(backend) -> AsyncIterator[Environment]:
    """GET /v1/models, which has its configuration read anew at each request."""
    backend.environ["GATEWAY_RELOAD_S"] = "0.001"
    async with deployed(function("models", backend, "")) as environment:
        yield environment


def append(document: Path, text: str) -> None:
    """Put a longer document in the place of this one."""
    draft = document.with_suffix(".new")
    draft.write_text(document.read_text() + text)
    draft.replace(document)


async def thawed(environment: Environment) -> list[dict[str, Any]]:
    """The models by one request, before and after which the process stands still."""
    os.killpg(environment.pid, signal.SIGCONT)
    seen = await collect(environment.invoke(EVENTS["models"]))
    os.killpg(environment.pid, signal.SIGSTOP)
    assert isinstance(seen.last, End), seen.last
    return list(json.loads(read_answer(seen.payload).body)["data"])


async def until(environment: Environment, wanted: Callable[[list[dict[str, Any]]], bool]) -> None:
    """Ask until the answer is as wanted."""
    for _ in range(MOST_REQUESTS):
        if wanted(await thawed(environment)):
            return
    pytest.fail("the change never counted")


async def test_a_change_counts_although_nothing_runs_between_requests(backend, models):
    """And a mistake is logged while the last good document goes on."""
    document = Path(backend.environ["GATEWAY_CONFIG"])

    def in_group(listed: list[dict[str, Any]]) -> list[str]:
        return [entry["id"] for entry in listed if "mine" in entry["groups"]]

    assert in_group(await thawed(models)) == []
    append(document, "groups: {mine: [gpt-5.1]}\n")
    await until(models, lambda listed: in_group(listed) == ["gpt-5.1"])
    append(document, "aliases: {mine: gpt-5.1}\n")
    await until(models, lambda _listed: any("config rejected" in line for line in models.log.lines))
    assert in_group(await thawed(models)) == ["gpt-5.1"]
    assert "aliases.mine: is a model key or a group as well" in await models.log.line_with("config rejected")
