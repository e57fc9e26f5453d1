"""What Gemini refuses of the config, by its model, and what answers leave out, of the documentation of 2026-11-29."""

from __future__ import annotations

import pytest

from tests.local.providers.at_gemini import DECLARED, PRO, generate, parameters
from tests.local.providers.refusals import error


@pytest.mark.parametrize(
    ("model", "config", "text"),
    [
        ("gemini-2.5-pro", {"presencePenalty": 0.2}, "Penalty is not enabled for this model"),
        ("gemini-3.8-flash", {"frequency_penalty": 1}, "Penalty is not enabled for this model"),
        ("gemini-2.5-pro", {"frequencyPenalty": 0}, None),
        ("gemini-2.0-flash", {"frequencyPenalty": 1}, None),
        ("gemini-2.5-pro", {"temperature": 2.5}, "* GenerateContentRequest.generation_config.temperature: 2.5 is not"),
        ("gemini-2.5-pro", {"maxOutputTokens": 0}, "* GenerateContentRequest.generation_config.max_output_tokens"),
        (
            "gemini-2.5-pro",
            {"stopSequences": list("abcdef")},
            "* GenerateContentRequest.generation_config.stop_sequences",
        ),
        (
            "gemini-2.5-pro",
            {"thinkingConfig": {"thinkingLevel": "low"}},
            "Thinking level is not supported for this model.",
        ),
        ("gemini-2.5-pro", {"thinkingConfig": {"thinkingBudget": 0}}, "Budget 0 is invalid. This model only works in"),
        ("gemini-2.5-pro", {"thinkingConfig": {"thinkingBudget": 100}}, "The thinking budget 100 is invalid. Please"),
        ("gemini-2.5-pro", {"thinkingConfig": {"thinkingBudget": -1}}, None),
        ("gemini-2.5-flash", {"thinkingConfig": {"thinkingBudget": 0}}, None),
        ("gemini-2.5-flash-lite", {"thinkingConfig": {"thinkingBudget": 100}}, "The thinking budget 100 is invalid."),
        ("gemini-2.5-flash-lite", {"thinkingConfig": {"thinkingBudget": 0}}, None),
        (
            PRO,
            {"thinkingConfig": {"thinkingBudget": 100, "thinkingLevel": "low"}},
            "You can only set only one of thinking budget and thinking level.",
        ),
        (PRO, {"thinkingConfig": {"thinkingBudget": 100}}, None),
        (
            PRO,
            {"thinkingConfig": {"thinkingLevel": "MINIMAL"}},
            "Thinking level MINIMAL is not supported for this model.",
        ),
        (PRO, {"thinkingConfig": {"thinkingLevel": "medium"}}, None),
        ("gemini-3-pro-preview", {"thinkingConfig": {"thinkingLevel": "medium"}}, "Thinking level MEDIUM is not"),
        ("gemini-3-flash-preview", {"thinkingConfig": {"thinkingLevel": "minimal"}}, None),
        (
            "gemini-2.5-pro",
            {"responseMimeType": "text/html"},
            "* GenerateContentRequest.generation_config.response_mime",
        ),
        (
            "gemini-2.5-pro",
            {"responseSchema": {"type": "OBJECT"}},
            "* GenerateContentRequest.generation_config.response_s",
        ),
        (
            "gemini-2.5-pro",
            {"responseJsonSchema": {}},
            "* GenerateContentRequest.generation_config.response_json_schema",
        ),
        (
            "gemini-2.5-pro",
            {"responseMimeType": "application/json", "responseSchema": {}, "responseJsonSchema": {}},
            "* GenerateContentRequest.generation_config.response_schema: must be omitted when response_json_schema",
        ),
        (
            "gemini-2.5-pro",
            {"responseMimeType": "application/json", "responseSchema": {"type": "ARRAY"}},
            "* GenerateContentRequest.generation_config.response_schema.items: missing field.",
        ),
    ],
)
def test_the_config_depends_on_the_model(sim, model, config, text):
    """Penalties, budgets, levels and formats."""
    answer = generate(sim, model, generationConfig=config)
    assert answer.json().get("error", {}).get("message", "").startswith(text or "")
    assert answer.status_code == (400 if text else 200)


def test_tools_and_json_together_are_for_gemini_3(sim):
    """Earlier models take one of them."""
    config = {"responseMimeType": "application/json"}
    found = error(generate(sim, tools=DECLARED, generationConfig=config))
    assert found["message"] == "Function calling with a response mime type: 'application/json' is unsupported"
    assert generate(sim, PRO, tools=DECLARED, generationConfig=config).status_code == 200


def test_a_call_without_arguments_has_no_args(sim):
    """For a function without parameters, and for any by directive, whole and streamed."""
    asked = {"contents": [{"role": "user", "parts": [{"text": "[[tool]]"}]}], "tools": DECLARED}
    part = generate(sim, **asked).json()["candidates"][0]["content"]["parts"][0]
    assert part["functionCall"] == {"name": "f"}
    assert '"functionCall":{"name":"f"}' in generate(sim, method="streamGenerateContent?alt=sse", **asked).text
    directed = {"contents": [{"role": "user", "parts": [{"text": "[[tool]] [[no_args]]"}]}]}
    answer = generate(sim, **directed, **parameters(k={"type": "STRING"})).json()
    assert answer["candidates"][0]["content"]["parts"][0]["functionCall"] == {"name": "f"}


def test_an_empty_answer_has_no_parts(sim):
    """Whole and streamed."""
    contents = [{"role": "user", "parts": [{"text": "[[say=]]"}]}]
    candidate = generate(sim, contents=contents).json()["candidates"][0]
    assert (candidate["content"], candidate["finishReason"]) == ({"role": "model"}, "STOP")
    text = generate(sim, method="streamGenerateContent?alt=sse", contents=contents).text
    assert '"parts"' not in text


def test_an_answer_without_usage(sim):
    """Nothing tells the tokens, whole and streamed."""
    contents = [{"role": "user", "parts": [{"text": "[[no_usage]]"}]}]
    assert "usageMetadata" not in generate(sim, contents=contents).json()
    assert "usageMetadata" not in generate(sim, method="streamGenerateContent?alt=sse", contents=contents).text


def test_refusals_and_pauses_are_ordinary_ends(sim):
    """Gemini has no field for them."""
    for directive in ("[[refusal=No.]]", "[[pause_turn]] [[say=No.]]"):
        contents = [{"role": "user", "parts": [{"text": directive}]}]
        candidate = generate(sim, contents=contents).json()["candidates"][0]
        assert (candidate["content"]["parts"], candidate["finishReason"]) == ([{"text": "No."}], "STOP")
