"""One request under a fault, and what must be true of it in the answer, at the providers and in the books."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.store.deployment_state import DeploymentState
from gateway_core.store.records import OpenHold
from local.providers.control import Control
from tests.faults.expectations import GIVEN_UP_S, MODELS, Candidate, Fault
from tests.faults.harness import Gateways, Running, Share, Told, Way, ask
from tests.faults.pace import PATIENT, hurried

PROJECT = "matrix"
BY_UPSTREAM = {one.upstream: one for one in MODELS}
_NANO = 10**9
_PER_MILLION = 1000
"""Nano-USD per token, of a USD per million tokens."""


@dataclass(frozen=True)
class Money:
    """Nano-USD and tokens."""

    nano: int = 0
    tokens: int = 0

    def __add__(self, other: Money) -> Money:
        return Money(self.nano + other.nano, self.tokens + other.tokens)


def charge(model: Candidate, input_tokens: int, output_tokens: int = 0) -> Money:
    """What so many tokens of a model cost."""
    usd = input_tokens * model.input_usd + output_tokens * model.output_usd
    return Money(usd * _PER_MILLION, input_tokens + output_tokens)


class Case:
    """The parts of a test and one key."""

    def __init__(self, gateways: Gateways, simulator: Control, store: UpstashStore, key: str) -> None:
        self._gateways = gateways
        self.simulator = simulator
        self._store = store
        self._headers = {"authorization": f"Bearer {key}"}

    def play(self, faults: Mapping[str, Fault], way: Way) -> Told:
        """Let the candidates have these faults, and ask."""
        unreachable = {one.provider for one in way.lineup if key_has(faults, one.key, "")}
        for one in way.lineup:
            fault = faults.get(one.key)
            if fault and fault.kind:
                params = fault.stream if way.is_stream else fault.whole
                self.simulator.fault(one.provider, fault.kind, model=one.upstream, **params)
        silent = any(fault.is_silent for fault in faults.values())
        self.running = self._gateways.get(hurried() if silent else PATIENT, frozenset(unreachable))
        return self.ask(way)

    def use(self, running: Running) -> Case:
        """Ask this gateway from now on."""
        self.running = running
        return self

    def ask(self, way: Way, **more: Any) -> Told:
        with self._http() as http:
            return ask(http, way, **more)

    def shares(self, told: Told) -> list[Share]:
        """How long each attempt was allowed to take."""
        return self.running.shares[told.request_id]

    def calls(self) -> Counter[str]:
        """How often each model was called, by its key, once no call is under way."""
        counted = self.simulator.calls()["providers"]
        return Counter(
            {BY_UPSTREAM[up].key: tally["calls"] for models in counted.values() for up, tally in models.items()}
        )

    def billed(self) -> Money:
        """The simulator's own count of the tokens that it answered with, at the price of each model."""
        charges = (charge(one, tally["input_tokens"], tally["output_tokens"]) for one, tally in self._tallies())
        return sum(charges, Money())

    def unfinished(self) -> Money:
        """The same of what it was sent and wrote for answers that did not come to their end."""
        counts = ("unfinished_input_tokens", "unfinished_output_tokens")
        charges = (charge(one, *(tally[name] for name in counts)) for one, tally in self._tallies())
        return sum(charges, Money())

    def budget(self) -> tuple[Money, Money]:
        """What `/v1/budgets` says is spent and held; day and month agree."""
        lines = self._get_json("GET", "/v1/budgets")["budgets"]
        found = {
            (Money(_nano(line["spent_usd"]), line["spent_tokens"]), Money(_nano(line["held_usd"]), line["held_tokens"]))
            for line in lines
        }
        assert len(lines) == 4, "day and month of the project and of the key"
        (agreed,) = found
        return agreed

    def records(self) -> list[dict[str, Any]]:
        """What `/v1/usage/records` has."""
        found = self._get_json("GET", "/v1/usage/records")
        assert found["next_cursor"] is None
        return list(found["records"])

    def totals(self) -> dict[str, Any]:
        """What `/v1/usage` says."""
        return dict(self._get_json("GET", "/v1/usage")["totals"])

    async def holds(self) -> list[OpenHold]:
        """The holds that are open."""
        return await self._store.open_holds(PROJECT, month=time.strftime("%Y%m", time.gmtime()))

    async def state(self, model: Candidate) -> DeploymentState:
        """What the fleet knows of a model."""
        deployment = self.running.services.now().settings.catalog.models[model.key].deployment
        (found,) = await self._store.deployment_states([(model.provider, deployment.id)])
        return found

    def _tallies(self) -> list[tuple[Candidate, dict[str, int]]]:
        counted = self.simulator.calls()["providers"]
        return [(BY_UPSTREAM[up], tally) for models in counted.values() for up, tally in models.items()]

    def _http(self) -> httpx.Client:
        return httpx.Client(base_url=self.running.url, headers=self._headers, timeout=GIVEN_UP_S, trust_env=False)

    def _get_json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        with self._http() as http:
            answer = http.request(method, path, **options)
        assert answer.status_code == httpx.codes.OK, answer.text
        return dict(answer.json())


def key_has(faults: Mapping[str, Fault], key: str, kind: str) -> bool:
    """Whether a model has a fault of this kind."""
    return key in faults and faults[key].kind == kind


def _nano(usd: str) -> int:
    return int(Decimal(usd) * _NANO)
