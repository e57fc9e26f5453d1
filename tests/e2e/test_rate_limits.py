"""Rate limits on the whole stack: real HTTP, real LiteLLM, real Valkey; the simulator says what providers say."""

import math
from datetime import UTC, datetime

import pytest

from tests.e2e.test_complete import FAST, HELLO, calls, complete

pytestmark = pytest.mark.xdist_group("e2e")

RESET_S = 3600
"""More than these tests take on any machine."""
EMPTY = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": f"{RESET_S}s"}


def models(gateway):
    """What `/health/providers` says of each model."""
    providers = gateway.get("/health/providers").json()["providers"]
    return {view["model"]: view for provider in providers for view in provider["models"]}


def test_a_limited_model_is_left_alone_by_all_routes(gateway, providers):
    """A 429 with Retry-After: each request is answered by the fallback, with one call of it, for all that time."""
    providers.post("/__faults", json={"provider": "anthropic", "kind": "rate_limit", "retry_after": RESET_S})
    body = complete(gateway, model_group="fast").json()
    assert [(a["outcome"], a["error_code"]) for a in body["attempts"]] == [("failed", "rate_limited"), ("ok", None)]
    assert 0 < models(gateway)["claude-haiku-3.5"]["retry_after_ms"] <= 1000 * RESET_S
    others = {
        "/v1/complete": {"model_group": "fast"},
        "/v1/chat/completions": {"model": "fast"},
        "/v1/stream": {"model_group": "fast"},
    }
    for path, which in others.items():
        answer = gateway.post(path, json={"messages": HELLO, **which})
        assert answer.status_code == 200
    assert [calls(providers, name) for name in FAST] == [1, 4, 0]


@pytest.mark.parametrize("path", ["/v1/complete", "/v1/stream"])
def test_what_an_answer_leaves_is_left_to_the_provider(gateway, providers, path):
    """An answer with nothing remaining closes its model until the reset, for whoever asks; 429 names that moment."""
    headers = {"provider": "openai", "kind": "answer", "times": 1, "headers": EMPTY}
    providers.post("/__faults", json=headers).raise_for_status()
    assert gateway.post(path, json={"messages": HELLO, "model": "gpt-5.1-mini"}).status_code == 200
    told = models(gateway)["gpt-5.1-mini"]["rate_limit"]["requests"]
    assert (told["limit"], told["remaining"]) == (10_000, 0)
    before = datetime.now(UTC)
    refused = complete(gateway, model="gpt-5.1-mini")
    after = datetime.now(UTC)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "rate_limited")
    reset_at = datetime.fromisoformat(told["reset_at"])
    least, most = (math.ceil((reset_at - moment).total_seconds()) for moment in (after, before))
    assert least <= int(refused.headers["retry-after"]) <= most
    assert calls(providers, "openai") == 1
    assert complete(gateway, model="gpt-5.1").status_code == 200  # another model has limits of its own


def test_health_shows_what_each_provider_says_of_its_limits(gateway, providers):
    """OpenAI and Anthropic in their headers, Gemini only once it refuses, DeepSeek never."""
    wanted = ("claude-haiku-3.5", "gpt-5.1", "gemini-flash", "deepseek-v3.2")
    for key in wanted:
        assert complete(gateway, model=key).status_code == 200
    vectors = gateway.post("/v1/embeddings", json={"model": "text-embedding-3-large", "input": "Hello"})
    assert vectors.status_code == 200
    shown = {key: view["rate_limit"] for key, view in models(gateway).items()}
    assert [shown[key] and shown[key]["requests"]["limit"] for key in wanted] == [4000, 10_000, None, None]
    assert shown["text-embedding-3-large"]["tokens"]["remaining"] <= 2_000_000
    providers.post("/__faults", json={"provider": "gemini", "kind": "rate_limit", "retry_after": 2, "times": 1})
    complete(gateway, model="gemini-flash")
    told = models(gateway)["gemini-flash"]["rate_limit"]
    assert told["requests"]["limit"] == 150
    assert told["tokens"] is None
