"""Every event of `events/` through the handler of its function, as Lambda calls it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.front import BELOW, ROUTES, function_of
from local.providers import base_urls
from tests.e2e.conftest import PROVIDER_KEYS, UNHURRIED
from tests.lambda_runtime.deployment import EVENTS, PAGES, SCHEDULED
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

ROOT = Path(__file__).parents[2]
LIGHT = frozenset({"health", "models", "usage"})
CALLS_MODELS = frozenset({"ask", "complete", "embed", "stream", "tokens"})


def events_of(function):
    """The events of a function, each twice: a warm function answers again."""
    return [event for event in EVENTS.values() if function_of(event["path"]) == function for _ in range(2)]


@pytest.fixture
def invoke(stack, providers_url):
    """Run a function on events in a fresh process, as on Lambda."""

    def run(function, events, **more):
        environ = {
            "AWS_LAMBDA_FUNCTION_NAME": function,
            **(PROVIDER_KEYS | base_urls(providers_url) | UNHURRIED),
            "PATH": os.environ["PATH"],
            "UPSTASH_REDIS_REST_URL": stack.urls["Store"],
            "UPSTASH_REDIS_REST_TOKEN": "local",
            **more,
        }
        done = subprocess.run(
            [sys.executable, "-m", "tests.e2e.invoke", function],
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
    """One event at least for each path, but for those that refuse unless an operator allows more."""
    refusing = {"/openapi.json", "/register", *(path for path in ROUTES if path.startswith("/.well-known/"))}
    assert set(ROUTES) - refusing <= {event["path"] for event in EVENTS.values()}


@pytest.mark.long
@pytest.mark.parametrize("function", sorted({*ROUTES.values(), *BELOW.values()}))
def test_each_event_is_answered(invoke, function):
    """200 with an object, events that end in one, or a page; also when warm. Without LiteLLM, OpenAI, boto3."""
    events = events_of(function)
    told = invoke(f"{function}.app", events)
    assert told["answers"]
    for event, answer in zip(events, told["answers"], strict=True):
        assert answer["statusCode"] == 200, answer["body"]
        assert answer["body"].rstrip().endswith(PAGES.get(event["path"], "}"))
    if function in LIGHT | CALLS_MODELS:
        assert told["loaded"] == []


@pytest.mark.litellm
def test_litellm_is_loaded_for_who_needs_it(invoke, providers_url, tmp_path):
    """A model that no wire of ours speaks to: its first request loads it, and is answered."""
    base = base_urls(providers_url)["OPENAI_API_BASE"]
    (config := tmp_path / "config.yaml").write_text(
        f"{Path(UNHURRIED['GATEWAY_CONFIG']).read_text()}allow_unpriced: true\n"
    )
    environ = {"GATEWAY_CONFIG": str(config), "PERPLEXITY_API_KEY": "sk-the-key", "PERPLEXITY_API_BASE": base}
    body = json.loads(EVENTS["complete"]["body"])
    del body["model_group"]
    event = EVENTS["complete"] | {"body": json.dumps(body | {"model": "perplexity/gpt-4o"})}
    told = invoke("complete.app", [event], **environ)
    (answer,) = told["answers"]
    assert answer["statusCode"] == 200, answer["body"]
    assert "litellm" in told["loaded"]


def test_each_schedule_is_answered(invoke):
    """As often as it comes; the probe is light too."""
    told = invoke("health.probe", [event for event in SCHEDULED.values() for _ in range(2)])
    assert [answer["check"] for answer in told["answers"]] == [
        check for check in ("providers", "catalog", "holds") for _ in range(2)
    ]
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
