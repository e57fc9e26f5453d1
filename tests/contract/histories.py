"""Runs random histories of both stores: the scripts over a wire of their own, and the pure models."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import HealthCheck, Phase
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from gateway_core.adapters.upstash import UpstashStore
from tests.contract.wire import at_once, wired_store
from tests.properties import examples


class StoreHistories(RuleBasedStateMachine):
    """A machine that finds the scripts at `upstash`."""

    upstash: UpstashStore


@contextmanager
def wired[T: StoreHistories](machine: type[T], port: int) -> Iterator[type[T]]:
    """The machine, with a connection of its own."""
    machine.upstash = wired_store(port)
    yield machine
    at_once(machine.upstash.close())


def run_histories(machine: type[StoreHistories]) -> None:
    """As many as other properties have examples. To explain a failure would take longer than to find it."""
    run_state_machine_as_test(
        machine,
        settings=examples(
            40,
            stateful_step_count=40,
            suppress_health_check=list(HealthCheck),
            phases=set(Phase) - {Phase.explain},
        ),
    )
