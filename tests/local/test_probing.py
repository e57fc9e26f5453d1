"""The rounds of the local stack, in their thread."""

from __future__ import annotations

import threading

import pytest

from gateway_core.adapters.billing import HttpBillingReader
from gateway_core.adapters.echo import EchoModelLister
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.probes import ModelList
from gateway_core.triggers.health_checks import HealthChecks
from gateway_core.triggers.invoices import InvoiceChecks
from local.probing import comparing, probing
from tests.patience import patience

PATIENCE_S = 20


class Counted(HealthChecks):
    """Says when so many rounds are over, and when it is closed."""

    def __init__(self, world, rounds):
        super().__init__(world.services, EchoModelLister(lambda _provider: ModelList(frozenset())))
        self.left = rounds
        self.done = threading.Event()
        self.closed = threading.Event()

    async def probe_providers(self, every_s):
        try:
            return await super().probe_providers(every_s)
        finally:
            self.left -= 1
            if self.left <= 0:
                self.done.set()

    async def close(self):
        self.closed.set()


async def test_it_probes_at_once_and_lets_go_at_the_end(world):
    """However long the interval is."""
    checks = Counted(world, rounds=1)
    with probing(checks, every_s=3600):
        assert checks.done.wait(patience(PATIENCE_S))
        assert not checks.closed.is_set()
    assert checks.closed.is_set()
    assert {probe.status for probe in (await world.store.fleet_health([])).probes} == {"ok"}


def test_a_round_that_was_lost_is_followed_by_another(world):
    """The store may be away for a while."""

    async def away(*_args, **_kwargs):
        raise StoreUnavailable("away")

    world.store.post_probes = away
    checks = Counted(world, rounds=3)
    with probing(checks, every_s=0.001):
        assert checks.done.wait(patience(PATIENCE_S))
    assert [line["message"] for line in world.lines()].count("probes not stored") >= 2


def test_it_ends_when_the_stack_fails(world):
    """The thread does not keep the process alive."""
    checks = Counted(world, rounds=1)

    def fail():
        with probing(checks, every_s=3600):
            assert checks.done.wait(patience(PATIENCE_S))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert checks.closed.is_set()


def test_invoices_are_compared_round_by_round_whatever_the_store_does(world):
    """At once and then again; the connections are closed in the end."""
    rounds, done, closed = [], threading.Event(), threading.Event()

    class Rounds(InvoiceChecks):
        async def check(self):
            rounds.append(await super().check())
            if len(rounds) == 2:
                done.set()
            raise StoreUnavailable("away")

        async def close(self):
            closed.set()

    with comparing(Rounds(world.services, HttpBillingReader(), {}), every_s=0.001):
        assert done.wait(patience(PATIENCE_S))
    assert closed.is_set()
    assert rounds[:2] == [[], []]
