"""The field that a provider finds at fault, by the caller's name for it."""

from __future__ import annotations

import pytest

from gateway_core.wires.errors import error_of


@pytest.mark.parametrize(
    ("param", "message", "field"),
    [
        ("service_tier", "Invalid value: 'scale'.", "service_tier"),
        ("messages[1].tool_calls[0].id", "string too long.", "messages.1.tool_calls.0.id"),
        ("input", "No tool output found for function call c1.", "messages"),
        ("text.format.schema", "Invalid schema.", "response_format"),
        ("text.verbosity", "Unsupported value.", "verbosity"),
        ("reasoning.effort", "Unsupported value.", "reasoning_effort"),
        (None, "tools.0.name: too long", "tools"),
        (None, "messages.2.content.0.image.source.base64: is image/png", "messages"),
        (None, "system.0.text: empty", "messages"),
        (None, "output_config.format.schema: recursive", "response_format"),
        (None, "* GenerateContentRequest.tool_config.function_calling_config.x: zz is not declared.\n", "tool_choice"),
        (None, "* GenerateContentRequest.contents[0].parts: empty", "messages"),
        (None, "Invalid value at 'generation_config.seed' (TYPE_INT32)", "seed"),
        (None, "Invalid value at 'safety_settings[0]' (TYPE_ENUM)", ""),
        (None, "note: no field at all", ""),
        (None, "Thinking mode does not support this tool_choice", "tool_choice"),
        (
            None,
            "Prompt must contain the word 'json' to use 'response_format' of type 'json_object'.",
            "response_format",
        ),
        (None, "`temperature` and `top_p` cannot both be specified", "temperature"),
        (None, "the stop of messages is not_known", ""),
        ("what he said: otters", "Thinking mode does not support this", ""),
        (7, "", ""),
    ],
)
def test_field_at_fault(param, message, field):
    """OpenAI says it apart, Anthropic and Gemini begin with it; what is no field of a request is none."""
    assert error_of({"error": {"message": message, "param": param}}).param == field


def test_a_bare_text_may_name_it():
    """As proxies send it."""
    assert error_of({"error": "temperature: out of range"}).param == "temperature"


@pytest.mark.parametrize(
    ("param", "is_prompt"),
    [
        (None, True),
        ("messages[0].content", True),
        ("messages[0].content[1].text", True),
        ("input", True),
        ("user", False),
    ],
)
def test_a_name_that_is_too_long_is_no_long_prompt(param, is_prompt):
    """OpenAI has one code for both."""
    error = {"error": {"message": "string too long", "code": "string_above_max_length", "param": param}}
    assert ("string_above_max_length" in error_of(error).labels) == is_prompt
