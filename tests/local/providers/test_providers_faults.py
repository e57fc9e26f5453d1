"""Every kind of fault that is an answer, in the words of each provider."""

from __future__ import annotations

import httpx
import pytest

PROVIDERS = ("anthropic", "deepseek", "gemini", "openai")


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


@pytest.mark.parametrize(("provider", "mark"), [("openai", b"<html>"), ("gemini", b"<html>")])
def test_html_instead_of_json(sim, provider, mark):
    """A page with status 200, as broken proxies send."""
    sim.control.fault(provider, "html")
    response = sim.chat(provider)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert mark in response.content
    sim.control.heal()
    sim.control.fault(provider, "html", status=502)
    assert sim.chat(provider).status_code == 502


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_malformed_body_is_no_json(sim, provider):
    """Status and headers are fine, the body is not."""
    sim.control.fault(provider, "malformed")
    response = sim.chat(provider)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match="Unterminated"):
        response.json()


@pytest.mark.parametrize(("provider", "before"), [("anthropic", 4), ("deepseek", 2), ("gemini", 1), ("openai", 2)])
def test_a_malformed_chunk_ends_a_stream(sim, provider, before):
    """Good chunks, then one that is no JSON, then nothing."""
    sim.control.fault(provider, "malformed", after_chunks=1)
    events = sim.events(provider, "[[words=5]]")
    assert events[-1].data == '{"id": "broken'
    assert all(isinstance(event.data, dict) for event in events[:-1])
    assert len(events) == before + 1


def test_a_redirect_names_another_place(sim):
    """307 with the given URL, and nothing else."""
    sim.control.fault("anthropic", "redirect", url="http://127.0.0.1:9/elsewhere")
    response = sim.chat("anthropic")
    assert (response.status_code, response.headers["location"]) == (307, "http://127.0.0.1:9/elsewhere")


@pytest.mark.parametrize(
    ("provider", "part"),
    [
        ("anthropic", '"content":[]'),
        ("deepseek", '"choices":[]'),
        ("gemini", '"candidates":[]'),
        ("openai", '"choices":[]'),
    ],
)
def test_an_answer_without_choices(sim, provider, part):
    """Well-formed and empty, whole and streamed."""
    sim.control.fault(provider, "empty_choices")
    assert part in sim.chat(provider).text
    assert "heard" not in sim.chat(provider, stream=True).text


def test_an_empty_response_and_no_embeddings(sim):
    """The other operations of OpenAI have their own emptiness."""
    sim.control.fault("openai", "empty_choices")
    body = {"model": "gpt-5.3-codex", "input": "hi"}
    assert sim.post("openai", "/responses", body).json()["output"] == []
    assert '"output":[]' in sim.post("openai", "/responses", body | {"stream": True}).text
    embed = {"model": "text-embedding-3-large", "input": "hi"}
    assert sim.post("openai", "/embeddings", embed).json()["data"] == []


def test_gemini_blocks_a_prompt_in_band(sim):
    """A refused prompt is a 200 without candidates that says why, whole and streamed."""
    sim.control.fault("gemini", "content_filter")
    body = sim.chat("gemini").json()
    assert body["promptFeedback"]["blockReason"] == "SAFETY"
    assert "candidates" not in body
    assert "candidatesTokenCount" not in body["usageMetadata"]
    events = sim.events("gemini")
    assert [event.data["promptFeedback"]["blockReason"] for event in events] == ["SAFETY"]


@pytest.mark.parametrize(
    ("provider", "reason"),
    [
        ("anthropic", '"stop_reason":"refusal"'),
        ("deepseek", '"finish_reason":"content_filter"'),
        ("gemini", '"finishReason":"SAFETY"'),
        ("openai", '"finish_reason":"content_filter"'),
    ],
)
def test_the_filter_may_end_an_answer_midway(sim, provider, reason):
    """After some chunks the answer ends with the provider's reason; only what was said counts."""
    sim.control.fault(provider, "content_filter", after_chunks=3)
    assert reason in sim.chat(provider, "[[words=9]]", stream=True).text
    assert reason in sim.chat(provider, "[[words=9]]").text
    assert sim.control.calls()["totals"]["output_tokens"] == 6


def test_the_filter_may_end_a_response_midway(sim):
    """Responses are incomplete for the filter's sake."""
    sim.control.fault("openai", "content_filter", as_error=False)
    body = sim.post("openai", "/responses", {"model": "gpt-5.3-codex", "input": "hi"}).json()
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})


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


@pytest.mark.parametrize(
    ("provider", "mark"),
    [
        ("anthropic", {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        (
            "gemini",
            {
                "error": {
                    "code": 503,
                    "status": "UNAVAILABLE",
                    "message": "The model is overloaded. Please try again later.",
                }
            },
        ),
    ],
)
def test_an_error_may_break_a_stream(sim, provider, mark):
    """With after_chunks the error comes in-band, and the stream ends without its terminator."""
    sim.control.fault(provider, "unavailable", after_chunks=2)
    events = sim.events(provider, "[[words=5]]")
    assert events[-1].data | mark == events[-1].data
    assert "STOP" not in str(events)
    assert sim.chat(provider).status_code in (503, 529)


@pytest.mark.parametrize("provider", ["deepseek", "openai"])
def test_an_error_may_break_a_stream_of_chunks(sim, provider):
    """An error object among the chunks, and no [DONE]."""
    sim.control.fault(provider, "server_error", after_chunks=0)
    events = sim.events(provider, "[[words=5]]")
    assert events[-1].data["error"]["type"] == "server_error"
    assert len(events) == 2


def test_an_error_may_break_a_response(sim):
    """Responses have an event for errors."""
    sim.control.fault("openai", "server_error", after_chunks=1)
    text = sim.post("openai", "/responses", {"model": "gpt-5.3-codex", "input": "hi", "stream": True}).text
    assert text.split("\n\n")[-2].startswith('event: error\ndata: {"type":"error","sequence_number":')
    assert "response.completed" not in text


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
