"""Every kind of fault that is an answer: no JSON, empty, filtered, or broken off by an error."""

from __future__ import annotations

import pytest

from tests.local.providers.conftest import PROVIDERS


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
