"""Every kind of fault that is an error, in the words of each provider, and which requests it meets."""

from __future__ import annotations

import httpx
import pytest

from tests.local.providers.conftest import PROVIDERS


def failed(sim, provider, *, stream=False):
    response = sim.chat(provider, "[[words=5]]", stream=stream)
    return response.status_code, response.json()["error"], response.headers


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("provider", "kind", "status", "expected"),
    [
        ("anthropic", "auth", 401, {"type": "authentication_error", "message": "invalid x-api-key"}),
        ("anthropic", "server_error", 500, {"type": "api_error", "message": "Internal server error"}),
        ("anthropic", "unavailable", 529, {"type": "overloaded_error", "message": "Overloaded"}),
        ("anthropic", "not_found", 404, {"type": "not_found_error", "message": "model: claude-opus-4-5"}),
        ("anthropic", "rate_limit", 429, {"type": "rate_limit_error"}),
        ("anthropic", "content_filter", 400, {"message": "Output blocked by content filtering policy"}),
        ("anthropic", "context_length", 400, {"message": "prompt is too long: 200001 tokens > 200000 maximum"}),
        ("openai", "auth", 401, {"type": "invalid_request_error", "code": "invalid_api_key"}),
        ("openai", "server_error", 500, {"type": "server_error", "code": None}),
        ("openai", "unavailable", 503, {"type": "server_error"}),
        ("openai", "not_found", 404, {"type": "invalid_request_error", "code": "model_not_found"}),
        ("openai", "rate_limit", 429, {"type": "requests", "code": "rate_limit_exceeded"}),
        ("openai", "content_filter", 400, {"type": "invalid_request_error", "code": "invalid_prompt"}),
        ("openai", "context_length", 400, {"code": "context_length_exceeded", "param": "messages"}),
        ("deepseek", "auth", 401, {"type": "authentication_error", "code": "invalid_request_error"}),
        ("deepseek", "server_error", 500, {"type": "server_error"}),
        ("deepseek", "unavailable", 503, {"type": "service_unavailable_error"}),
        ("deepseek", "not_found", 400, {"message": "Model Not Exist"}),
        ("deepseek", "rate_limit", 429, {"message": "Rate limit reached for TPM"}),
        ("deepseek", "content_filter", 400, {"message": "Content Exists Risk"}),
        ("deepseek", "context_length", 400, {"type": "invalid_request_error", "code": "invalid_request_error"}),
        ("gemini", "auth", 400, {"status": "INVALID_ARGUMENT", "code": 400}),
        ("gemini", "server_error", 500, {"status": "INTERNAL", "code": 500}),
        ("gemini", "unavailable", 503, {"message": "The model is overloaded. Please try again later."}),
        ("gemini", "not_found", 404, {"status": "NOT_FOUND", "code": 404}),
        ("gemini", "rate_limit", 429, {"status": "RESOURCE_EXHAUSTED", "code": 429}),
        (
            "gemini",
            "context_length",
            400,
            {"message": "The input token count (200001) exceeds the maximum number of tokens allowed (200000)."},
        ),
    ],
)
def test_errors_are_worded_by_the_provider(sim, provider, kind, status, expected, stream):
    """Status, type and code are the provider's own, whether or not a stream was asked for."""
    sim.control.fault(provider, kind, times=1)
    got_status, error, _ = failed(sim, provider, stream=stream)
    assert got_status == status
    assert error | expected == error
    assert sim.chat(provider).status_code == 200


@pytest.mark.parametrize(
    ("provider", "headers"),
    [
        ("anthropic", {"retry-after": "3", "anthropic-ratelimit-requests-remaining": "0", "x-should-retry": "true"}),
        ("deepseek", {"retry-after": "3"}),
        ("openai", {"retry-after": "3", "retry-after-ms": "2500", "x-ratelimit-remaining-requests": "0"}),
    ],
)
def test_a_rate_limit_tells_when_to_retry(sim, provider, headers):
    """Retry-After is whole seconds, rounded up, next to the provider's own headers."""
    sim.control.fault(provider, "rate_limit", retry_after=2.5)
    answer = failed(sim, provider)[2]
    assert {name: answer[name] for name in headers} == headers


def test_a_rate_limit_without_a_delay_names_none(sim):
    """No retry_after, no Retry-After."""
    for provider in PROVIDERS:
        sim.control.fault(provider, "rate_limit")
        assert "retry-after" not in failed(sim, provider)[2]


def test_gemini_puts_the_delay_into_the_body(sim):
    """RetryInfo in the details, and no header."""
    sim.control.fault("gemini", "rate_limit", retry_after=2.5)
    _, error, headers = failed(sim, "gemini")
    assert error["details"][-1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"}
    assert "retry-after" not in headers


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_error_may_carry_any_text(sim, provider):
    """error_text puts a given text and status into the provider's error body."""
    sim.control.fault(provider, "error_text", text="the key sk-secret leaked", status=502)
    status, error, _ = failed(sim, provider)
    assert (status, error["message"]) == (502, "the key sk-secret leaked")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_answers_take_headers(sim, provider):
    """`headers` replace the provider's own, on errors and on good answers."""
    sim.control.answer(provider, say="hi", headers={"Retry-After": "9", "x-test": "1"})
    good = sim.chat(provider).headers
    assert (good["retry-after"], good["x-test"]) == ("9", "1")
    sim.control.fault(provider, "rate_limit", retry_after=1, headers={"retry-after": "7"})
    assert sim.chat(provider).headers.get_list("retry-after") == ["7"]


def test_a_redirect_names_another_place(sim):
    """307 with the given URL, and nothing else."""
    sim.control.fault("anthropic", "redirect", url="http://127.0.0.1:9/elsewhere")
    response = sim.chat("anthropic")
    assert (response.status_code, response.headers["location"]) == (307, "http://127.0.0.1:9/elsewhere")


def test_a_long_input_has_its_own_words_in_responses(sim):
    """The Responses API words an overlong input differently."""
    sim.control.fault("openai", "context_length")
    error = sim.post("openai", "/responses", {"model": "gpt-5.3-codex", "input": "hi"}).json()["error"]
    assert (error["param"], error["code"]) == ("input", "context_length_exceeded")
    assert error["message"].startswith("Your input exceeds the context window of this model.")


def test_a_context_limit_spares_what_fits(sim):
    """With a limit, only longer inputs fail, and the error counts them."""
    sim.control.fault("anthropic", "context_length", limit=20)
    assert sim.chat("anthropic", "short").status_code == 200
    assert failed_text(sim, "long " * 30) == "prompt is too long: 34 tokens > 20 maximum"


def failed_text(sim, text):
    return sim.chat("anthropic", text).json()["error"]["message"]


def test_faults_choose_provider_model_and_endpoint(sim):
    """Only what matches fails: by provider, by model, and model calls unless another endpoint is named."""
    sim.control.fault("openai", "server_error", model="gpt-4o")
    sim.control.fault("openai", "unavailable", endpoint="models")
    assert sim.chat("openai").status_code == 200
    assert sim.chat("deepseek").status_code == 200
    body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x"}]}
    assert sim.post("openai", "/chat/completions", body).status_code == 500
    listed = sim.http.get(sim.base("openai") + "/models", headers={"authorization": "Bearer k"})
    assert listed.status_code == 503


def test_faults_are_played_in_order_and_run_out(sim):
    """Oldest first, each as often as it says; an `answer` goes with any of them."""
    sim.control.fault("openai", "server_error", times=1)
    sim.control.fault("openai", "unavailable", times=1)
    sim.control.answer("openai", say="dictated", times=3)
    answers = [sim.chat("openai") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [500, 503, 200, 200]
    assert '"dictated"' in answers[2].text
    assert '"dictated"' not in answers[3].text


def test_faults_are_listed_and_cleared(sim):
    """GET shows what is set, DELETE clears it."""
    fault = sim.control.fault("openai", "slow", delay_ms=5, times=2)
    assert sim.http.get(sim.root + "/__faults").json() == {"faults": [fault]}
    assert (fault["kind"], fault["delay_ms"], fault["times"]) == ("slow", 5, 2)
    sim.control.heal()
    assert sim.http.get(sim.root + "/__faults").json() == {"faults": []}


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        ([], "kind must be one of answer, auth,"),
        ({"kind": "explode", "provider": "openai"}, "kind must be one of answer, auth,"),
        ({"kind": "cut", "provider": "mistral"}, "provider must be one of"),
        ({"kind": "cut", "provider": "openai", "endpoint": "x"}, "endpoint must be one of"),
        ({"kind": "cut", "provider": "openai", "times": 0}, "times must be a positive integer"),
        ({"kind": "cut", "provider": "openai", "after_chunk": 1}, "cut takes after_chunks, not after_chunk"),
        ({"kind": "answer", "provider": "openai", "words": "many"}, "invalid literal"),
        ({"kind": "answer", "provider": "openai", "words": None}, "int() argument must be"),
    ],
)
def test_mistakes_in_faults_are_refused(sim, fault, complaint):
    """A misspelt fault is a 422 that says what is wrong."""
    response = sim.http.post(sim.root + "/__faults", json=fault)
    assert response.status_code == 422
    assert response.json()["error"].startswith(complaint)


def test_the_control_reports_a_refused_fault(sim):
    """Control raises rather than letting a test run without its fault."""
    with pytest.raises(httpx.HTTPStatusError):
        sim.control.fault("openai", "explode")
