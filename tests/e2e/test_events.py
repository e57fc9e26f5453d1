"""Every event of `events/` through the handler of its function, as Lambda calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.front import ROUTES
from local.providers import base_urls
from tests.e2e.conftest import PROVIDER_KEYS, UNHURRIED
from tests.forked import forked
from tests.lambda_runtime.deployment import EVENTS, SCHEDULED
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

ROOT = Path(__file__).parents[2]
LIGHT = frozenset({"health", "models", "usage"})
LOADS_LITELLM = frozenset({"ask.app", "complete.app", "embed.app", "stream.app", "tokens.app"})


def events_of(function):
    """The events of a function, each twice: a warm function answers again."""
    return [event for event in EVENTS.values() if ROUTES[event["path"]] == function for _ in range(2)]


@pytest.fixture
def invoke(stack, providers_url):
    """Run a function on events in a fresh process; those that load LiteLLM in one where it is loaded already."""

    def run(function, events):
        environ = {
            **(PROVIDER_KEYS | base_urls(providers_url) | UNHURRIED),
            "PATH": os.environ["PATH"],
            "UPSTASH_REDIS_REST_URL": stack.urls["Store"],
            "UPSTASH_REDIS_REST_TOKEN": "local",
        }
        program = "tests.e2e.invoke"
        done = subprocess.run(
            forked(program, function) if function in LOADS_LITELLM else [sys.executable, "-m", program, function],
            input="\n".join(json.dumps(event) for event in events),
            env=environ,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=patience(50),
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_every_route_has_an_event():
    """One event at least for each path."""
    assert set(ROUTES) <= {event["path"] for event in EVENTS.values()}


@pytest.mark.parametrize("function", sorted(set(ROUTES.values())))
def test_each_event_is_answered(invoke, function):
    """200 with an object or events that end in one, also when warm; light functions load no LiteLLM and no boto3."""
    told = invoke(f"{function}.app", events_of(function))
    assert told["answers"]
    for answer in told["answers"]:
        assert answer["statusCode"] == 200, answer["body"]
        assert answer["body"].rstrip().endswith("}")
    if function in LIGHT:
        assert told["loaded"] == []


def test_each_schedule_is_answered(invoke):
    """As often as it comes; the probe is light too."""
    told = invoke("health.probe", [event for event in SCHEDULED.values() for _ in range(2)])
    assert [answer["check"] for answer in told["answers"]] == ["providers", "providers", "catalog", "catalog"]
    found = {provider["provider"]: provider["status"] for provider in told["answers"][0]["providers"]}
    assert found.pop("ollama") == "not_configured"
    assert set(found.values()) == {"ok"}
    assert told["loaded"] == []


def test_a_wrong_key_is_refused_by_the_handler(invoke):
    """The event's own key decides."""
    headers = {"multiValueHeaders": {"authorization": ["Bearer gk_dev_wrong"]}, "headers": None}
    (answer,) = invoke("health.app", [EVENTS["health_providers"] | headers])["answers"]
    assert answer["statusCode"] == 401


def test_the_functions_are_thin():
    """At most 40 lines each: import, build, expose."""
    for path in (ROOT / "functions").glob("*/*.py"):
        assert len(path.read_text().splitlines()) <= 40, path
