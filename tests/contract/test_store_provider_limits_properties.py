"""What providers say of their limits, in any order: Lua and Python agree, and say when a request can start."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import strategies as st

from gateway_core.adapters.memory import MemoryStore
from gateway_core.domain.rates import RateView, ReportedLimit
from gateway_core.store.messages import Admitted, BreakerPolicy, Candidate, Refused, Terms, Ticket
from gateway_core.store.virtual_keys import KeyRecord
from tests.contract.desk import DIGEST, NOON, record_of, settled
from tests.contract.wire import at_once, wired_store
from tests.properties import examples

# The scripts against the models, and exact waits, in histories that only this part is about.

POLICY = BreakerPolicy(failures=3, cooldown_ms=5000)
FLEET = (
    Candidate("one", "m1", 10, 10, rpm=7, tpm=49, likely_tokens=4),
    Candidate("one", "m2", 10, 10, likely_tokens=9),
)
resets = st.none() | st.sampled_from([-5, 0, 120, 4000, 70_000])
quotas = st.tuples(st.sampled_from([None, 0, 2, 7, 59, 60, 60, 10**9]), st.sampled_from([None, 0, 1, 4, 60]), resets)
admits = st.tuples(st.just("admit"), st.sampled_from([0, 1]), st.sampled_from([0, 5000, 10**7, 10**7]))
settles = st.tuples(
    st.just("settle"),
    st.integers(0, 9),
    st.tuples(quotas, quotas, st.sampled_from([0, 0, 900]), st.sampled_from([0, 5, 8000])),
    st.sampled_from([("ok", 0), ("limit", 0), ("limit", 20_000), ("fail", 0)]),
    st.booleans(),
)
passes = st.tuples(st.just("pass"), st.sampled_from([1, 700, 15_000, 400_000, -2000]))


def told(now, said):
    requests, tokens, until, ago = said
    seen = now - ago

    def quota(words):
        limit, remaining, reset = words
        return ReportedLimit(limit, remaining, None if reset is None else seen + reset)

    return RateView(seen, quota(requests), quota(tokens), seen + until if until else 0)


class Pair:
    """Does the same to both stores and compares."""

    def __init__(self, upstash):
        self.stores = (MemoryStore(), upstash)
        self.now, self.made, self.open = NOON, 0, []
        at_once(upstash._client.execute("FLUSHALL"))
        self.both("put_key", KeyRecord("alpha", DIGEST))
        self.key = self.both("find_key", "alpha", DIGEST)

    def both(self, name, *args, **kwargs):
        expected, found = (at_once(getattr(store, name)(*args, **kwargs)) for store in self.stores)
        assert found == expected, name
        return found

    def ask(self, candidates, wait):
        self.made += 1
        ticket = Ticket(f"r{self.made}", "alpha", self.key.id, DIGEST, self.key.rights_tag, NOON)
        return ticket, self.both("admit", ticket, candidates, Terms(self.now, POLICY, wait))

    def admit(self, index, wait):
        ticket, answer = self.ask([FLEET[index]], wait)
        if isinstance(answer, Admitted):
            self.open.append((ticket, answer, FLEET[index]))

    def settle(self, place, said, effect, unsent):
        if not self.open:
            return
        ticket, answer, chosen = self.open.pop(place % len(self.open))
        kind, retry_after_ms = ("skip", 0) if unsent else effect
        ended = settled(answer, chosen, kind, rates=told(self.now, said), rpm=chosen.rpm)
        ended = replace(ended, unsent=unsent, charge_tokens=0 if unsent else 3, retry_after_ms=retry_after_ms)
        assert self.both("settle", ticket, ended, record_of(ticket), Terms(self.now, POLICY))

    def run(self, steps):
        for step in steps:
            match step:
                case ("pass", ms):
                    self.now += ms
                case ("admit", *how):
                    self.admit(*how)
                case ("settle", *how):
                    self.settle(*how)
            self.both("deployment_states", [(c.provider, c.deployment_id) for c in FLEET])


@pytest.fixture
def wired(redis_server):
    store = wired_store(redis_server.port)
    yield store
    at_once(store.close())


many = examples(50, suppress_health_check=list(HealthCheck), phases=set(Phase) - {Phase.explain})


@pytest.mark.timeout(300)
@given(steps=st.lists(st.one_of(admits, admits, settles, passes), max_size=40))
@many
def test_reported_limits_agree_in_lua_and_python(wired, steps):
    """Whatever providers say, in whatever order it arrives: the same answers and the same state."""
    Pair(wired).run(steps)


@pytest.mark.timeout(300)
@given(steps=st.lists(st.one_of(admits, admits, settles, passes), max_size=25), both=st.booleans())
@many
def test_a_refused_request_can_start_at_the_moment_it_is_told_and_not_before(wired, steps, both):
    """Asked again exactly then it is admitted, a millisecond earlier it is not.

    Of a probe under way nobody knows the end: it alone may still be in the way, and then the next moment is told.
    """
    pair = Pair(wired)
    pair.run(steps)
    candidates = list(FLEET) if both else [FLEET[0]]
    _, refused = pair.ask(candidates, 0)
    while isinstance(refused, Refused):
        moment_ms = refused.reported.retry_after_ms
        assert moment_ms > 0
        pair.now += moment_ms - 1
        _, early = pair.ask(candidates, 0)
        assert early.reported.retry_after_ms == 1 or probed(early)
        pair.now += 1
        _, answer = pair.ask(candidates, 0)
        if isinstance(answer, Admitted):
            assert answer.wait_ms == 0
            return
        assert probed(answer)
        refused = answer


def probed(refused):
    """Whether a probe under way keeps one of the candidates, alone or beside its limit."""
    return any(refusal.scope == "probe" for refusal in refused.refusals)
