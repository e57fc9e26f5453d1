"""The main job on the whole stack: real HTTP, real LiteLLM, real Valkey, simulated providers."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.e2e.conftest import KEY, PROVIDER_KEYS
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

HELLO = [{"role": "user", "content": "Say hello to everybody"}]
MODELS = {
    "claude-haiku-3.5": ("anthropic", "claude-haiku-4-5"),
    "gpt-5.1": ("openai", "gpt-5.1"),
    "codex-max": ("openai", "gpt-5.3-codex"),
    "gemini-flash": ("gemini", "gemini-3.8-flash"),
    "deepseek-v3.2": ("deepseek", "deepseek-v4-flash"),
}
FAST = ("anthropic", "openai", "gemini")


def calls(providers, provider):
    """How often a provider was called for a completion."""
    counted = providers.get("/__calls").json()["providers"].get(provider, {})
    return sum(model["calls"] for model in counted.values()) if counted else 0


def complete(gateway, **body):
    return gateway.post("/v1/complete", json={"messages": HELLO, **body})


def list_price(upstream):
    """USD per input and output token, straight from the map that LiteLLM ships."""
    litellm = find_spec("litellm")  # which loads nothing
    assert litellm
    assert litellm.origin
    path = Path(litellm.origin).parent / "model_prices_and_context_window_backup.json"
    prices = json.loads(path.read_text("utf-8"), parse_float=Decimal)
    listed = next(prices[key] for key in (upstream, f"gemini/{upstream}", f"deepseek/{upstream}") if key in prices)
    return Decimal(listed["input_cost_per_token"]), Decimal(listed["output_cost_per_token"])


@pytest.mark.parametrize("key", MODELS)
def test_each_provider_answers_and_is_paid_to_the_nano_dollar(gateway, providers, key):
    """One call, the tokens that the provider counted, list price, no rounding but to the nano-dollar."""
    provider, upstream = MODELS[key]
    body = complete(gateway, model=key, max_tokens=50).json()
    assert (body["model"], body["provider"], body["finish_reason"]) == (key, provider, "stop")
    assert "hello to everybody" in body["content"]
    counted = providers.get("/__calls").json()["providers"][provider][upstream]
    assert (counted["calls"], counted["ok"]) == (1, 1)
    usage = body["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (counted["input_tokens"], counted["output_tokens"])
    per_input, per_output = list_price(upstream)
    expected = usage["input_tokens"] * per_input + usage["output_tokens"] * per_output
    assert Decimal(body["cost"]["total_usd"]) == expected
    assert Decimal(body["cost"]["input_usd"]) + Decimal(body["cost"]["output_usd"]) == Decimal(
        body["cost"]["total_usd"]
    )


def test_the_record_is_in_the_store_for_thirty_days(gateway, store):
    """Once, with the cost in nano-USD, under a key of its hour that expires 31 days after that began."""
    body = complete(gateway, model="gpt-5.1", agent_id="auditor").json()
    day = time.strftime("%Y%m%d", time.gmtime())
    hours = store("KEYS", f"use:dev:{day}:*")
    entries = [entry for hour in hours for entry in store("XRANGE", hour, "-", "+")]
    mine = [json.loads(fields[1]) for _id, fields in entries if body["id"] in fields[1]]
    assert len(mine) == 1
    assert "auditor" in json.dumps(mine[0])
    assert all(30 * 86_400 < store("TTL", hour) <= 31 * 86_400 for hour in hours)


@pytest.mark.parametrize(
    ("kind", "params", "code"),
    [
        ("server_error", {}, "provider_error"),
        ("unavailable", {}, "provider_error"),
        ("rate_limit", {}, "rate_limited"),
        ("rate_limit", {"retry_after": 7}, "rate_limited"),
        ("malformed", {}, "provider_error"),
        ("html", {}, "provider_error"),
        ("reset", {}, "provider_error"),
        ("cut", {}, "provider_error"),
        ("timeout", {}, "timeout"),
        ("redirect", {"url": "http://127.0.0.1:9/"}, "provider_error"),
        ("auth", {}, "bad_credentials"),
        ("not_found", {}, "provider_error"),
    ],
)
def test_when_the_first_model_fails_the_second_answers(gateway, providers, kind, params, code):
    """Each provider is called exactly once, and `attempts` tells the story."""
    providers.post("/__faults", json={"provider": "anthropic", "kind": kind, **params}).raise_for_status()
    answer = complete(gateway, model_group="fast", timeout_s=patience(2) if kind == "timeout" else 120)
    body = answer.json()
    assert (answer.status_code, body.get("model")) == (200, "gpt-5.1-mini"), body
    first, second = body["attempts"]
    assert (first["model"], first["outcome"], first["error_code"]) == ("claude-haiku-3.5", "failed", code)
    assert (second["model"], second["outcome"], second["error_code"]) == ("gpt-5.1-mini", "ok", None)
    assert [calls(providers, name) for name in FAST] == [1, 1, 0]


def test_a_limited_primary_costs_no_time(gateway, providers):
    """A 429 is answered by the fallback, however long its Retry-After; the next request leaves the model alone."""
    complete(gateway, model="gpt-5.1-mini")
    providers.post("/__faults", json={"provider": "anthropic", "kind": "rate_limit", "retry_after": 3600})
    assert complete(gateway, model_group="fast").json()["provider"] == "openai"
    assert complete(gateway, model_group="fast").json()["attempts"][0]["error_code"] == "breaker_open"
    assert calls(providers, "anthropic") == 1


@pytest.mark.parametrize("kind", ["content_filter", "context_length"])
def test_what_the_request_caused_is_not_retried(gateway, providers, kind):
    """A content filter and a too-long context are the caller's to know; where a longer model exists it is tried."""
    providers.post("/__faults", json={"provider": "deepseek", "kind": kind})
    answer = complete(gateway, model="deepseek-v3.2")
    code = {"content_filter": "content_filtered", "context_length": "context_length_exceeded"}[kind]
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)
    assert calls(providers, "deepseek") == 1


def test_all_providers_down_is_503(gateway, providers):
    """With every attempt in the error; the last provider is asked twice."""
    for name in FAST:
        providers.post("/__faults", json={"provider": name, "kind": "server_error"})
    answer = complete(gateway, model_group="fast")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (503, "no_deployment_available")
    assert [attempt["outcome"] for attempt in error["attempts"]] == ["failed"] * 4
    assert [calls(providers, name) for name in FAST] == [1, 1, 2]


@pytest.mark.parametrize("kind", ["unavailable", "reset", "html"])
@pytest.mark.parametrize("path", ["/v1/complete", "/v1/stream", "/v1/embeddings"])
def test_a_passing_fault_of_the_only_model_is_not_seen(gateway, providers, kind, path):
    """It is asked once more, and answers: 200, two calls."""
    providers.post("/__faults", json={"provider": "openai", "kind": kind, "times": 1}).raise_for_status()
    asked = {"input": "Hello", "model": "text-embedding-3-large"}
    if path != "/v1/embeddings":
        asked = {"messages": HELLO, "model": "gpt-5.1"}
    answer = gateway.post(path, json=asked)
    assert (answer.status_code, answer.headers["x-gateway-attempts"]) == (200, "2")
    assert calls(providers, "openai") == 2


def test_retry_after_of_the_only_model_is_waited_for(gateway, providers):
    """A second is worth it; a minute is the caller's, at once."""
    for seconds, status in ((1, 200), (60, 429)):
        fault = {"provider": "deepseek", "kind": "rate_limit", "retry_after": seconds, "times": 1}
        providers.post("/__faults", json=fault).raise_for_status()
        answer = complete(gateway, model="deepseek-v3.2")
        assert answer.status_code == status
        if status == 200:
            records = gateway.get("/v1/usage/records", params={"limit": 1000}).json()["records"]
            (mine,) = [record for record in records if record["request_id"] == answer.json()["id"]]
            assert mine["latency_ms"] >= 1000
    assert answer.headers["retry-after"] == "60"
    assert calls(providers, "deepseek") == 3


def test_a_schema_goes_to_a_model_that_keeps_to_it(gateway, providers):
    """DeepSeek refuses `json_schema`, so it is not asked; alone it is a 400 that says what it lacks."""
    shape = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    schema = {"type": "json_schema", "json_schema": {"name": "s", "schema": shape}}
    answer = complete(gateway, model="deepseek-coder", response_format=schema)
    assert (answer.status_code, "deepseek-coder lacks json_schema" in answer.text) == (400, True)
    told = complete(gateway, model_group="code", response_format=schema, explain=True).json()["explanation"]
    assert [drop["model"] for drop in told["dropped"]] == ["deepseek-coder"]
    assert calls(providers, "deepseek") == 0


def test_images_and_tools_reach_the_providers(gateway, providers):
    """A vision request goes to a model that sees, with its image; tools come back as calls."""
    dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    png = f"data:image/png;base64,{dot}"
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": png}}]
    for group in ("vision", "fast"):
        answer = gateway.post(
            "/v1/complete", json={"messages": [{"role": "user", "content": content}], "model_group": group}
        )
        assert answer.status_code == 200, answer.text


SECRETS = (
    f"key {PROVIDER_KEYS['ANTHROPIC_API_KEY']} and sk-ant-api03-abcdefghijklmnop, Bearer abc.def.ghi, "
    "see https://user:hunter2@internal.example/path?api_key=zzz123456789"
)


@pytest.mark.parametrize("provider", ["anthropic", "openai", "gemini", "deepseek"])
def test_a_providers_error_text_leaks_nowhere(gateway, providers, stack, provider):
    """Keys, bearer tokens and credentials in URLs reach neither the caller nor the log; nor do prompts."""
    model = next(key for key, (name, _upstream) in MODELS.items() if name == provider)
    providers.post("/__faults", json={"provider": provider, "kind": "error_text", "text": SECRETS, "status": 500})
    prompt = [{"role": "user", "content": "a very private prompt"}]
    answer = gateway.post("/v1/complete", json={"messages": prompt, "model": model})
    assert answer.status_code == 502
    for text in (answer.text, stack.text):
        for secret in (*PROVIDER_KEYS.values(), "abcdefghijklmnop", "abc.def.ghi", "hunter2", "zzz123456789"):
            assert secret not in text
        assert "private prompt" not in text
    assert KEY not in stack.text.replace(f"Key        {KEY}", "").replace(f"Bearer {KEY}' \\", "")


def test_redis_trips_are_counted(gateway, providers, trips, run_gateway):
    """One before and one after; one more for each failed attempt. A fresh key is looked up once, then remembered."""
    gateway.headers["authorization"] = f"Bearer {run_gateway('keys', 'create', '--project', 'trips')['key']}"
    complete(gateway, model="gpt-5.1")
    before = trips()
    complete(gateway, model="gpt-5.1")
    assert trips() - before == 2
    providers.post("/__faults", json={"provider": "anthropic", "kind": "server_error"})
    complete(gateway, model_group="fast")  # the first use of a script by a store sends it in full, in a trip of its own
    before = trips()
    complete(gateway, model_group="fast")
    assert trips() - before == 3


def test_a_hit_takes_two_trips_and_no_call(gateway, providers, trips, run_gateway):
    """One to look it up, one for the books; what is asked anew takes two more than without the cache."""
    gateway.headers["authorization"] = f"Bearer {run_gateway('keys', 'create', '--project', 'cached')['key']}"
    complete(gateway, model="gpt-5.1", cache=True)
    complete(gateway, model="gpt-5.1", cache=True)  # the first use of a script by a store takes a trip of its own
    called, before = calls(providers, "openai"), trips()
    hit = complete(gateway, model="gpt-5.1", cache=True).json()
    assert trips() - before == 2
    assert (hit["cached"], hit["cost"]["total_usd"], hit["attempts"]) == (True, "0", [])
    assert Decimal(hit["saved_usd"]) > 0
    assert calls(providers, "openai") == called
    before = trips()
    assert not complete(gateway, model="gpt-5.1", cache=True, max_tokens=77).json()["cached"]
    assert trips() - before == 4
    usage = gateway.get("/v1/usage").json()["totals"]
    assert (usage["requests"], usage["cache_hits"]) == (4, 2)


def test_bad_input_reaches_no_provider_and_costs_nothing(gateway, providers, store):
    """A sample of bad bodies over real HTTP; the routes' own tests have the whole list."""
    month = f"bud:dev:{time.strftime('%Y%m', time.gmtime())}"
    complete(gateway, model="gpt-5.1")
    before, called = store("HGET", month, "p|M"), calls(providers, "openai")
    expected = [
        (b"{", 400, "invalid_request"),
        (b'{"messages": ' + b"[" * 200_000, 400, "invalid_request"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}]}', 400, "invalid_request"),
        (b'{"messages": [], "model": "gpt-5.1"}', 422, "invalid_request"),
        (b'{"messages": [{"role": "user", "content": "x"}], "model": "nope"}', 404, "unknown_model"),
        (b'"' + b"x" * 6_000_000 + b'"', 413, "body_too_large"),
    ]
    for raw, status, code in expected:
        answer = gateway.post("/v1/complete", content=raw)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert store("HGET", month, "p|M") == before
    assert calls(providers, "openai") == called


def test_many_at_once_never_overspend(gateway, providers, run_gateway):
    """A burst against a small budget spends at most the budget, and every answer is in the books."""
    key = run_gateway("keys", "create", "--project", "burst")["key"]
    run_gateway("budgets", "set", "--project", "burst", "--day-usd", "0.01")
    headers = {"authorization": f"Bearer {key}"}
    body = {"messages": HELLO, "model": "gpt-5.1", "max_tokens": 100}
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _n: gateway.post("/v1/complete", json=body, headers=headers), range(64)))
    paid = [a.json() for a in answers if a.status_code == 200]
    assert {200, 402} >= {a.status_code for a in answers}
    assert 0 < sum(Decimal(p["cost"]["total_usd"]) for p in paid) <= Decimal("0.01")
    assert calls(providers, "openai") == len(paid)
