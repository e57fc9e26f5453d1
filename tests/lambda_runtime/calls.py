"""Calls of functions, and what is read of their answers."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx

from gateway_core.config.catalog_loader import load_catalog
from gateway_core.invocation import HttpAnswer, read_answer
from gateway_core.routing.unknown_end import LEAST_TOKENS_PER_S, MOST_SILENCE_S
from gateway_core.store.records import UsageRecord
from tests.lambda_runtime.deployment import (
    Backend,
    each_line,
    sse,
)
from tests.lambda_runtime.emulator.answer import Answer, collect
from tests.lambda_runtime.emulator.environment import Environment
from tests.lambda_runtime.emulator.events import rest_event
from tests.lambda_runtime.emulator.runtime_api import End
from tests.patience import patience

MODEL = "deepseek-v3.2"
HELLO: dict[str, Any] = {
    "messages": [{"role": "user", "content": "Say hello to everybody [[words=8]] [[reasoning=0]]"}]
}


def post(path: str, key: str, **body: Any) -> dict[str, Any]:
    """The event of a request for one model."""
    headers = [("authorization", f"Bearer {key}"), ("content-type", "application/json")]
    return rest_event("POST", path, headers, json.dumps({**HELLO, "model": MODEL, **body}).encode())


async def ask(
    environment: Environment, event: dict[str, Any], timeout_s: float = 30, most_times: float = math.inf
) -> tuple[Answer, HttpAnswer]:
    """What Lambda saw, and the HTTP answer in it."""
    seen = await collect(environment.invoke(event, timeout_s, most_times))
    assert isinstance(seen.last, End), seen.last
    return seen, read_answer(seen.payload)


async def events_of(answer: HttpAnswer) -> list[tuple[str, Any]]:
    return [event async for event in sse(each_line(answer.body.decode()))]


def estimates_of(delivered: int) -> range:
    """What a stream of MODEL may be charged for its output that ended early, in tokens (docs/cost.md)."""
    catalog = load_catalog()
    model = catalog.models[MODEL]
    provider = catalog.providers[model.provider]
    counted = math.ceil(delivered * provider.count_factor)
    least = counted + math.ceil(LEAST_TOKENS_PER_S * provider.stop_lag_s)
    most = counted + math.ceil(model.rules.max_tokens_per_s * (MOST_SILENCE_S + provider.stop_lag_s))
    return range(least, most + 1)


async def assert_is_estimated(backend: Backend, project: str, record: UsageRecord, delivered: int) -> None:
    """It ended early: its charge is a guess within the bound, at least what the provider counted; nothing is held."""
    wrote = (await backend.calls(wait_idle_s=5))["requests"][0]["generated_tokens"]
    assert delivered <= wrote <= record.output_tokens
    assert record.output_tokens in estimates_of(delivered)
    assert 0 < record.estimated_nano == record.cost_nano
    (line, _month) = await backend.store.budget_lines(project, day=f"{datetime.now(UTC):%Y%m%d}", scopes=["p"])
    assert (line.held_nano, line.estimated_nano) == (0, record.estimated_nano)


@contextlib.asynccontextmanager
async def streamed(api: str, key: str) -> AsyncIterator[httpx.Response]:
    """`/v1/stream` as a client of the REST API sees it."""
    headers = {"authorization": f"Bearer {key}"}
    async with (
        httpx.AsyncClient(base_url=api, headers=headers, timeout=patience(30)) as http,
        http.stream("POST", "/v1/stream", json={**HELLO, "model": MODEL}) as answer,
    ):
        yield answer
