"""Probes of the running stack: what the simulator does to them shows in GET /health/providers and in `health_check`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from local.providers import base_urls, create_app
from local.providers.control import Control
from local.serving import serve
from tests.e2e.conftest import KEY, PROVIDER_KEYS, fork, stop
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

FOUR = {"anthropic", "deepseek", "gemini", "openai"}


@pytest.fixture(scope="module")
def providers():
    with serve(create_app()) as url, Control(url) as control:
        yield url, control


@pytest.fixture(scope="module")
def probed(providers):
    """A stack that probes every second, and says so."""
    places = {**PROVIDER_KEYS, **base_urls(providers[0])}
    running = fork(**places, GATEWAY_DEV_KEY=KEY, PROBE_INTERVAL_S="1", LOG_LEVEL="DEBUG")
    yield running
    assert stop(running) == 0


@pytest.fixture
def health(probed) -> Callable[[], dict[str, Any]]:
    """By provider."""

    def ask() -> dict[str, Any]:
        headers = {"authorization": f"Bearer {KEY}"}
        answer = httpx.get(f"{probed.urls['Gateway']}/health/providers", headers=headers, timeout=patience(30))
        assert answer.status_code == 200, answer.text
        return {provider["provider"]: provider for provider in answer.json()["providers"]}

    return ask


@pytest.fixture
def until(probed, health) -> Callable[[Callable[[dict[str, Any]], bool]], dict[str, Any]]:
    """What is told as soon as it is so. Probes come by themselves: another look is worth while after the next one."""

    def look(is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        seen = len(probed.log)
        while not is_so(told := health()):
            probed.prints('"provider probed"', after=seen)
            seen = len(probed.log)
        return told

    return look


def test_all_simulated_providers_are_found_well(until):
    """With all their models listed; Ollama, which nobody runs here, is not called ill."""
    told = until(lambda found: all(found[name]["probe"]["status"] == "ok" for name in FOUR))
    assert {told[name]["status"] for name in FOUR} == {"healthy"}
    assert {model["listed"] for name in FOUR for model in told[name]["models"]} == {True}
    assert all(told[name]["probe"]["latency_ms"] >= 0 for name in FOUR)
    assert (told["ollama"]["status"], told["ollama"]["probe"]["status"]) == ("unknown", "not_configured")


@pytest.mark.parametrize(
    ("kind", "found", "status"),
    [("auth", "bad_credentials", "unhealthy"), ("unavailable", "unavailable", "degraded")],
)
def test_what_a_provider_does_shows_and_passes(until, providers, kind, found, status):
    """While it lasts; the breakers stay closed throughout, for nobody called a model."""
    _url, control = providers
    control.fault("gemini", kind, endpoint="models")
    told = until(lambda now: now["gemini"]["probe"]["status"] == found)["gemini"]
    assert (told["status"], {model["breaker"] for model in told["models"]}) == (status, {"closed"})
    control.heal()
    assert until(lambda now: now["gemini"]["probe"]["status"] == "ok")["gemini"]["status"] == "healthy"
    assert control.calls()["totals"]["calls"] == 0


def test_the_log_names_the_failure_and_no_secret(probed, until, providers):
    """A line for operators."""
    _url, control = providers
    control.fault("openai", "auth", endpoint="models")
    until(lambda now: now["openai"]["probe"]["status"] == "bad_credentials")
    control.heal()
    lines = [json.loads(line) for line in probed.log if '"provider probed"' in line]
    assert ("openai", "bad_credentials") in {(line["gen_ai.provider.name"], line["status"]) for line in lines}
    assert not [key for key in PROVIDER_KEYS.values() if key in probed.text]


def test_it_stops_in_the_middle_of_a_probe():
    """A provider that never answers delays nobody's Ctrl-C."""
    with serve(create_app()) as url, Control(url) as control:
        for name in FOUR:
            control.fault(name, "timeout", endpoint="models")
        running = fork(**PROVIDER_KEYS, **base_urls(url), GATEWAY_DEV_KEY=KEY, PROBE_INTERVAL_S="300")
        while control.calls(wait_idle_s=0)["in_flight"] < len(FOUR):
            pass
        assert stop(running) == 0
    assert "Traceback" not in running.text
    assert "Task was destroyed" not in running.text
