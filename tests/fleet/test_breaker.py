"""Ten processes share one breaker: it opens for all, lets one probe in all, and closes for all."""

from concurrent.futures import ThreadPoolExecutor, wait

import httpx
import pytest

from tests.fleet.conftest import Asker
from tests.fleet.fleet import fleet
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("fleet"), pytest.mark.timeout(180)]

PROCESSES = 10
FAILURES = 5
COOLDOWN_S, LEASE_S = 300, 600
LIMITED_S = 7
A_MOMENT_S = 0.001
NOON_MS = 1_795_176_000_000
"""2026-11-20 12:00:00 UTC."""
CONFIG = f"""
breaker: {{failures: {FAILURES}, cooldown_s: {COOLDOWN_S}, max_cooldown_s: 3000, probe_lease_s: {LEASE_S}}}
store: {{timeout_s: 30, connect_timeout_s: 30}}
"""
PRIMARY, FALLBACK = "claude-haiku-3.5", "gpt-5.1-mini"
BY_PRIMARY = [(PRIMARY, "ok", None)]
PASSED_OVER = [(PRIMARY, "skipped", "breaker_open"), (FALLBACK, "ok", None)]
FAILED = [(PRIMARY, "failed", "provider_error"), (FALLBACK, "ok", None)]


@pytest.fixture(scope="module")
def running(backend, tmp_path_factory):
    """Ten processes."""
    path = tmp_path_factory.mktemp("fleet") / "config.yaml"
    path.write_text(CONFIG)
    with fleet(PROCESSES, backend.with_config(path), at_ms=NOON_MS) as members:
        yield members


@pytest.fixture
def asker(running, key, simulator):
    """Asks, with the simulator at hand and nothing known of any provider."""
    return Asker(running, key)


def reached(simulator):
    """How many requests the primary has had."""
    return sum(model["calls"] for model in simulator.calls()["providers"].get("anthropic", {}).values())


def open_breaker(asker, simulator):
    """Let the primary fail once in each of five processes."""
    simulator.fault("anthropic", "server_error")
    for member in asker.fleet.members[:FAILURES]:
        assert asker.one(member) == FAILED
    simulator.heal()


def probe(asker, backend, members):
    """All ask at once while the primary holds what reaches it: the answers, the probe's last."""
    backend.gate.shut()
    with ThreadPoolExecutor(len(members)) as pool:
        asked = [pool.submit(asker.one, member) for member in members]
        assert backend.gate.arrived.acquire(timeout=patience(60))
        others = set(asked)
        while len(others) > 1:
            done, others = wait(others, timeout=patience(60), return_when="FIRST_COMPLETED")
            assert done, "more than one waits for the primary"
        assert not backend.gate.arrived.acquire(blocking=False)
        backend.gate.open()
        (last,) = others
        return [one.result() for one in asked if one is not last], last.result()


def test_it_opens_for_all_within_one_request(asker, simulator):
    """The fifth failure in a row, each seen by another process, keeps all ten away."""
    open_breaker(asker, simulator)
    assert asker.all(asker.fleet.members) == [PASSED_OVER] * PROCESSES
    assert reached(simulator) == FAILURES


def test_one_probe_in_all_then_it_closes_for_all(asker, simulator, backend):
    """After the cool-down ten ask at once: one probes, nine are served by the fallback; then all use the primary."""
    open_breaker(asker, simulator)
    asker.fleet.advance(COOLDOWN_S)
    others, probed = probe(asker, backend, asker.fleet.members)
    assert (others, probed) == ([PASSED_OVER] * (PROCESSES - 1), BY_PRIMARY)
    assert reached(simulator) == FAILURES + 1
    assert asker.all(asker.fleet.members) == [BY_PRIMARY] * PROCESSES


def test_a_failed_probe_doubles_the_cool_down_for_all(asker, simulator, backend):
    """Nobody asks after the first cool-down's length, and one does after twice that."""
    open_breaker(asker, simulator)
    simulator.fault("anthropic", "server_error", times=1)
    asker.fleet.advance(COOLDOWN_S)
    others, probed = probe(asker, backend, asker.fleet.members)
    assert (others, probed) == ([PASSED_OVER] * (PROCESSES - 1), FAILED)
    asker.fleet.advance(2 * COOLDOWN_S - A_MOMENT_S)
    assert asker.all(asker.fleet.members) == [PASSED_OVER] * PROCESSES
    asker.fleet.advance(A_MOMENT_S)
    others, probed = probe(asker, backend, asker.fleet.members)
    assert (others, probed) == ([PASSED_OVER] * (PROCESSES - 1), BY_PRIMARY)


def test_a_limited_model_is_left_alone_by_all(asker, simulator, backend):
    """One process meets a 429 with `Retry-After: 7`; nobody asks for seven seconds, then one does."""
    simulator.fault("anthropic", "rate_limit", retry_after=LIMITED_S, times=1)
    limited = [(PRIMARY, "failed", "rate_limited"), (FALLBACK, "ok", None)]
    assert asker.one(asker.fleet.members[0]) == limited
    asker.fleet.advance(LIMITED_S - A_MOMENT_S)
    assert asker.all(asker.fleet.members) == [PASSED_OVER] * PROCESSES
    assert reached(simulator) == 1
    asker.fleet.advance(A_MOMENT_S)
    others, probed = probe(asker, backend, asker.fleet.members)
    assert (others, probed) == ([PASSED_OVER] * (PROCESSES - 1), BY_PRIMARY)


async def test_a_probe_that_dies_frees_its_place(asker, simulator, backend, store):
    """Killed in the middle of its probe: nobody else probes while the lease runs, then exactly one does."""
    open_breaker(asker, simulator)
    asker.fleet.advance(COOLDOWN_S)
    victim, *rest = asker.fleet.members
    backend.gate.shut()
    with ThreadPoolExecutor(1) as pool:
        dying = pool.submit(asker.one, victim)
        assert backend.gate.arrived.acquire(timeout=patience(60))
        victim.kill()
        with pytest.raises(httpx.HTTPError):
            dying.result(patience(60))
    backend.gate.open()
    asker.fleet.members.remove(victim)
    asker.fleet.advance(LEASE_S - A_MOMENT_S)
    assert asker.all(rest) == [PASSED_OVER] * (PROCESSES - 1)
    asker.fleet.advance(A_MOMENT_S)
    others, probed = probe(asker, backend, rest)
    assert (others, probed) == ([PASSED_OVER] * (PROCESSES - 2), BY_PRIMARY)
    assert asker.all(rest) == [BY_PRIMARY] * (PROCESSES - 1)
    (hold,) = await store.open_holds("fleet", month="202611")
    assert not hold.unconfirmed
