"""What OpenAI's Chat Completions refuses of fields and messages, against its documentation of 2026-11-29."""

from __future__ import annotations

import pytest

from tests.local.providers.at_openai import CUSTOM, PDF, PNG, TOOL, USER, chat
from tests.local.providers.refusals import error

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
ANSWER = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}


def said(*parts, role="user", **fields):
    return {"messages": [{"role": role, "content": list(parts)} | fields]}


def calling(*calls, **fields):
    return {"role": "assistant", "content": None, "tool_calls": list(calls)} | fields


@pytest.mark.parametrize(
    "fields",
    [
        {"logprobs": True, "top_logprobs": 2},
        {"n": 2, "logit_bias": {"50256": -100}, "seed": 1, "user": "u"},
        {"service_tier": "flex", "store": True, "metadata": {"a": "b"}},
        {"prompt_cache_key": "k", "prompt_cache_retention": "24h", "safety_identifier": "s"},
        {"verbosity": "low", "reasoning_effort": "none", "parallel_tool_calls": False, "tools": [TOOL]},
        {"model": "gpt-4o", "prediction": {"type": "content", "content": "gpt-4o heard"}},
        {"model": "gpt-4o-search-preview", "web_search_options": {}},
        {"functions": [{"name": "f"}], "function_call": "auto"},
        {"tools": [TOOL, CUSTOM], "tool_choice": {"type": "custom", "custom": {"name": "run"}}},
        {"audio": None, "logit_bias": None, "top_logprobs": None, "response_format": {"type": "text"}},
        said({"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}}),
        said({"type": "file", "file": {"file_id": "file-1"}}),
        said({"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}),
        said({"type": "image_url", "image_url": {"url": PNG, "detail": "low"}}, {"type": "text", "text": ""}),
        said(SOUND) | {"model": "gpt-audio"},
        {"messages": [*USER, {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, *USER]},
        {"messages": [*USER, {"role": "assistant", "content": None, "refusal": None, "annotations": []}, *USER]},
        {"messages": [*USER, calling(CALL), ANSWER | {"name": "f"}]},
        {"messages": [*USER, {"role": "assistant", "tool_calls": [CALL]}, ANSWER]},
    ],
)
def test_documented_fields_are_taken(sim, fields):
    """Parameters, parts and messages as the documentation has them."""
    answer = chat(sim, **fields)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("fields", "param", "text"),
    [
        (
            {"top_logprobs": 2},
            "top_logprobs",
            "The 'top_logprobs' parameter is only allowed when 'logprobs'",
        ),
        (
            {"logprobs": True, "top_logprobs": 21},
            "top_logprobs",
            "Invalid 'top_logprobs': integer above maximum",
        ),
        ({"logit_bias": {"a": 1}}, "logit_bias", "Invalid key in 'logit_bias': a."),
        ({"logit_bias": {"1": 101}}, "logit_bias.1", "Invalid 'logit_bias.1': integer above maximum value."),
        ({"top_p": 1.5}, "top_p", "Invalid 'top_p': decimal above maximum value."),
        ({"presence_penalty": -3}, "presence_penalty", "Invalid 'presence_penalty': integer below minimum value."),
        ({"service_tier": "gold"}, "service_tier", "Invalid value: 'gold'. Supported values are: 'auto', 'default',"),
        ({"verbosity": "chatty"}, "verbosity", "Invalid value: 'chatty'."),
        ({"prompt_cache_retention": "1h"}, "prompt_cache_retention", "Invalid value: '1h'."),
        (
            {"safety_identifier": "s" * 65},
            "safety_identifier",
            (
                "Invalid 'safety_identifier': string too long. Expected a string with maximum length 64, but got a "
                "string with length 65 instead."
            ),
        ),
        ({"metadata": {"a": 1}}, "metadata.a", "Invalid type for 'metadata.a'"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a", "Invalid 'metadata.a': string too long."),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "Invalid 'metadata': object too long."),
        ({"stop": list("abcde")}, "stop", "Invalid 'stop': array too long. Expected an array with maximum length 4"),
        (
            {"stream_options": {"include_usage": True}},
            "stream_options",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        ),
        ({"response_format": {"type": "xml"}}, "response_format.type", "Invalid value: 'xml'."),
        ({"modalities": ["text", "audio"]}, "modalities", "Unsupported parameter: 'modalities'"),
        ({"model": "gpt-audio", "modalities": ["text", "audio"]}, "audio", "Missing required parameter: 'audio'."),
        ({"model": "gpt-audio", "audio": {"voice": "alloy"}}, "audio.format", "Missing required parameter"),
        ({"web_search_options": {}}, "web_search_options", "Web search options not supported with this model."),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction", "Unsupported parameter: 'prediction'"),
        (
            {"model": "gpt-4o", "prediction": {"type": "content", "content": "x"}, "n": 2},
            "n",
            "Unsupported parameter: 'n'",
        ),
    ],
)
def test_parameters_are_checked(sim, fields, param, text):
    """Ranges, values, lengths, and what goes with what."""
    found = error(chat(sim, **fields))
    assert found["message"].startswith(text)
    assert found["param"] == param


@pytest.mark.parametrize(
    ("model", "fields", "text"),
    [
        ("gpt-5-mini", {"top_p": 0.5}, "Unsupported parameter: 'top_p' is not supported with this model."),
        ("gpt-5-mini", {"logprobs": True}, "Unsupported parameter: 'logprobs'"),
        ("gpt-5-mini", {"stop": "x"}, "Unsupported parameter: 'stop'"),
        ("o3", {"presence_penalty": 1}, "Unsupported parameter: 'presence_penalty'"),
        ("gpt-5.1", {"reasoning_effort": "low", "top_p": 0.5}, "Unsupported parameter: 'top_p'"),
        ("gpt-5.1", {"reasoning_effort": "none", "top_p": 0.5, "stop": "x"}, None),
        (
            "gpt-5.1",
            {"reasoning_effort": "minimal"},
            "Unsupported value: 'minimal' is not supported with the",
        ),
        ("gpt-5.1", {"reasoning_effort": "xhigh"}, "Unsupported value: 'xhigh'"),
        ("gpt-5.4-mini", {"reasoning_effort": "xhigh"}, None),
        ("gpt-5-mini", {"reasoning_effort": "minimal"}, None),
        ("gpt-5-mini", {"reasoning_effort": "none"}, "Unsupported value: 'none'"),
        ("gpt-4o", {"reasoning_effort": "low"}, "Unrecognized request argument supplied: reasoning_effort"),
        ("gpt-4o", {"top_p": 0.5, "logprobs": True, "stop": "x"}, None),
    ],
)
def test_parameters_depend_on_the_model(sim, model, fields, text):
    """What reasons does not sample, and each knows its efforts."""
    answer = chat(sim, model=model, **fields)
    assert answer.json().get("error", {}).get("message", "").startswith(text or "")
    assert answer.status_code == (400 if text else 200)


@pytest.mark.parametrize(
    ("fields", "param", "text"),
    [
        (
            {"messages": [*USER, {"role": "assistant", "content": "x", "reasoning_content": "hm"}]},
            "messages[1].reasoning_content",
            "Unknown parameter: 'messages[1].reasoning_content'.",
        ),
        (said({"type": "file", "file": {}}), "messages[0].content[0].file.file_data", "Missing required parameter"),
        (
            said({"type": "file", "file": {"filename": "a.pdf", "file_data": "JVBERi0="}}),
            "messages[0].content[0].file.file_data",
            "Invalid 'messages[0].content[0].file.file_data'. Expected a base64-encoded data URL",
        ),
        (
            said({"type": "file", "file": {"filename": "a.pdf", "file_data": PDF.replace("JVBERi", "AAAAAA")}}),
            "messages[0].content[0].file.file_data",
            "The file could not be parsed",
        ),
        (
            said({"type": "image_url", "image_url": PNG}),
            "messages[0].content[0].image_url",
            "Invalid type for 'messages[0].content[0].image_url': expected an object",
        ),
        (
            said({"type": "image_url", "image_url": {"url": "cat.png"}}),
            "messages[0].content[0].image_url.url",
            "Invalid 'messages[0].content[0].image_url.url'.",
        ),
        (
            said({"type": "image_url", "image_url": {"url": PNG.replace("png", "tiff")}}),
            "messages[0].content[0].image_url.url",
            "You uploaded an unsupported image.",
        ),
        (
            said({"type": "image_url", "image_url": {"url": PNG, "detail": "full"}}),
            "messages[0].content[0].image_url.detail",
            "Invalid value: 'full'.",
        ),
        (said({"type": "text"}), "messages[0].content[0].text", "Missing required parameter"),
        (said({"type": "image_url", "image_url": {}}), "messages[0].content[0].image_url.url", "Missing required"),
        (
            said({"type": "input_audio", "input_audio": {"data": "AAAA"}}) | {"model": "gpt-audio"},
            "messages[0].content[0].input_audio.format",
            "Missing required parameter",
        ),
        (
            said({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}) | {"model": "gpt-audio"},
            "messages[0].content[0].input_audio.data",
            "Invalid 'messages[0].content[0].input_audio.data'",
        ),
        (said({"type": "text", "text": 5}), "messages[0].content[0].text", "Invalid type for"),
        (said(SOUND), "messages[0].content[0].input_audio", "Invalid value for 'messages[0].content[0].input_audio'"),
        (
            said({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "ogg"}}) | {"model": "gpt-audio"},
            "messages[0].content[0].input_audio.format",
            "Invalid value: 'ogg'. Supported values are: 'wav', and 'mp3'.",
        ),
        (
            {"messages": [*USER, calling(CALL), ANSWER | {"content": [{"type": "image_url", "image_url": {}}]}]},
            "messages[2].content[0].type",
            "Invalid value: 'image_url'. Supported values are: 'text'.",
        ),
        ({"messages": [*USER, calling()]}, "messages[1].tool_calls", "Invalid 'messages[1].tool_calls': empty array."),
        (
            {"messages": [*USER, calling({"id": "c", "type": "tool"})]},
            "messages[1].tool_calls[0].type",
            "Invalid value: 'tool'.",
        ),
        (
            {"messages": [*USER, calling({"type": "function", "function": {"name": "f", "arguments": {}}})]},
            "messages[1].tool_calls[0].id",
            "Missing required parameter",
        ),
        (
            {"messages": [*USER, calling(CALL | {"function": {"name": "f", "arguments": {}}})]},
            "messages[1].tool_calls[0].function.arguments",
            "Invalid type for",
        ),
        (
            {"messages": [*USER, calling(CALL | {"id": "c" * 41})]},
            "messages[1].tool_calls[0].id",
            "Invalid 'messages[1].tool_calls[0].id': string too long. Expected a string with maximum length 40",
        ),
        ({"messages": [*USER, ANSWER]}, "messages[1].role", "Invalid parameter: messages with role 'tool' must be a"),
        (
            {"messages": [*USER, calling(CALL), {"role": "tool", "content": "x"}]},
            "messages[2].tool_call_id",
            "Missing required parameter",
        ),
        (
            {"messages": [*USER, calling(CALL), *USER]},
            "messages[2].role",
            (
                "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
                "'tool_call_id'. The following tool_call_ids did not have response messages: call_1"
            ),
        ),
    ],
)
def test_messages_are_checked(sim, fields, param, text):
    """Fields, parts by role, files, and calls with their answers."""
    found = error(chat(sim, **fields))
    assert found["message"].startswith(text)
    assert found["param"] == param
