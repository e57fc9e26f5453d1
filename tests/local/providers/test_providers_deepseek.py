"""DeepSeek's dialect, against expectations written by hand from its documentation."""

from __future__ import annotations

import json

import pytest

USER = [{"role": "user", "content": "hello world"}]
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


def chat(sim, **fields):
    return sim.post("deepseek", "/chat/completions", {"model": "deepseek-chat", "messages": USER} | fields)


def error(response, status=400):
    assert response.status_code == status, response.text
    return response.json()["error"]


def test_a_chat_is_answered(sim):
    """Reasoning is shown, and usage tells cache hits from misses."""
    messages = [{"role": "user", "content": "hello [[reasoning=2]] [[cached=3]]"}]
    body = chat(sim, model="deepseek-reasoner", messages=messages).json()
    assert [len(part) for part in body.pop("id").split("-")] == [8, 4, 4, 4, 12]
    assert body == {
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "deepseek-reasoner",
        "system_fingerprint": "fp_5417b77867_prod0425fp8",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "deepseek-reasoner heard: hello",
                    "reasoning_content": "theta eta",
                },
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 8,
            "completion_tokens": 7,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 2},
            "prompt_cache_hit_tokens": 3,
            "prompt_cache_miss_tokens": 5,
        },
    }


def test_a_stream_reasons_first_and_reports_usage_with_the_finish(sim):
    """Reasoning and content alternate in null, and usage needs no asking."""
    events = sim.events("deepseek", "[[words=1]] [[reasoning=1]]")
    deltas = [event.data["choices"][0]["delta"] for event in events[:-1]]
    assert deltas == [
        {"role": "assistant", "content": None, "reasoning_content": ""},
        {"content": None, "reasoning_content": "theta"},
        {"content": "alpha", "reasoning_content": None},
        {"content": "", "reasoning_content": None},
    ]
    assert events[-2].data["usage"]["completion_tokens"] == 2
    assert events[-1].data == "[DONE]"


def test_asking_for_usage_adds_no_chunk(sim):
    """include_usage changes nothing here."""
    text = chat(sim, stream=True, stream_options={"include_usage": True}).text
    assert text.count('"prompt_tokens"') == 1
    assert '"choices":[]' not in text


@pytest.mark.parametrize("base", ["/deepseek", "/deepseek/v1", "/deepseek/beta"])
def test_all_bases_serve(sim, base):
    """With or without version, as at DeepSeek."""
    headers = {"authorization": "Bearer k"}
    body = {"model": "deepseek-chat", "messages": USER}
    assert sim.http.post(f"{sim.root}{base}/chat/completions", json=body, headers=headers).status_code == 200
    models = sim.http.get(f"{sim.root}{base}/models", headers=headers).json()
    assert models["data"][0]["owned_by"] == "deepseek"


def test_thinking_is_switched_by_parameter(sim):
    """Thinking on request, off on request, and by default for the reasoner."""
    shown = [
        "reasoning_content" in chat(sim, **fields).json()["choices"][0]["message"]
        for fields in (
            {"thinking": {"type": "enabled"}},
            {"model": "deepseek-reasoner"},
            {"model": "deepseek-v4-flash"},
            {"model": "deepseek-v4-pro", "reasoning_effort": "max"},
            {"model": "deepseek-reasoner", "thinking": {"type": "disabled"}},
            {"model": "deepseek-v4-flash", "thinking": {"type": "disabled"}},
            {},
        )
    ]
    assert shown == [True] * 4 + [False] * 3


def test_a_tool_is_called(sim):
    """Calls carry an index, whole and streamed."""
    call = chat(sim, tools=[TOOL], tool_choice="required").json()["choices"][0]["message"]["tool_calls"][0]
    assert call["id"].startswith("call_00_")
    assert (call["index"], call["function"]) == (0, {"name": "get_weather", "arguments": "{}"})
    assert '"arguments":"{}"' in chat(sim, tools=[TOOL], tool_choice="required", stream=True).text


def test_json_mode(sim):
    """json_object answers JSON."""
    answer = chat(sim, messages=[{"role": "user", "content": "json please"}], response_format={"type": "json_object"})
    assert json.loads(answer.json()["choices"][0]["message"]["content"]) == {"answer": "json please"}


def test_images_are_for_vision_models(sim):
    """Other models do not know the content type."""
    image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}]
    message = error(chat(sim, messages=image))["message"]
    assert "messages[0]: unknown variant `image_url`, expected `text` at line 1 column" in message
    assert chat(sim, model="deepseek-v4-flash-vision-exp", messages=image).status_code == 200


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "Authentication Fails (auth header format should be Bearer sk-...)"),
        ({"authorization": "Bearer sk-invalid"}, "Authentication Fails, Your api key: ****alid is invalid"),
    ],
)
def test_credentials_are_checked(sim, headers, text):
    """A wrong key is answered with its last four characters."""
    path, body = sim.request("deepseek")
    answer = error(sim.http.post(sim.base("deepseek") + path, json=body, headers=headers), 401)
    assert answer == {"message": text, "type": "authentication_error", "param": None, "code": "invalid_request_error"}


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"model": "gpt-5.1"}, "Model Not Exist"),
        ({"messages": None}, "Failed to deserialize the JSON body into the target type: missing field `messages`"),
        ({"messages": []}, "Empty input messages"),
        (
            {"messages": [{"role": "model", "content": "x"}]},
            "Failed to deserialize the JSON body into the target type: messages[0].role: unknown variant `model`",
        ),
        ({"response_format": {"type": "json_schema"}}, "This response_format type is unavailable now"),
        ({"response_format": {"type": "json_object"}}, "Prompt must contain the word 'json'"),
        ({"max_tokens": 0}, "Invalid max_tokens value"),
        (
            {
                "thinking": {"type": "enabled"},
                "messages": [*USER, {"role": "assistant", "content": "", "tool_calls": [{}]}],
            },
            "The `reasoning_content` in the thinking mode must be passed back to the API.",
        ),
    ],
)
def test_bodies_are_checked(sim, fields, text):
    """Odd bodies get DeepSeek's own words."""
    answer = error(chat(sim, **fields))
    assert answer["message"].startswith(text)
    assert (answer["type"], answer["code"]) == ("invalid_request_error", "invalid_request_error")


V4 = {"model": "deepseek-v4-flash", "tools": [TOOL]}
CALLED = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}],
}
RESULT = {"role": "tool", "tool_call_id": "c", "content": "sunny"}
DISABLED = {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_thinking_takes_no_forced_tool(sim, choice):
    """V4 thinks unless it is told not to; then the choice holds."""
    assert error(chat(sim, **V4, tool_choice=choice))["message"] == "Thinking mode does not support this tool_choice"
    assert chat(sim, **V4, tool_choice=choice, **DISABLED).json()["choices"][0]["finish_reason"] == "tool_calls"
    assert chat(sim, **V4, tool_choice="auto").status_code == 200


def test_reasoning_comes_back_with_its_calls(sim):
    """What was thought before a call is part of the history, as long as the model thinks, wherever the call stands."""
    asked = [{"role": "user", "content": "[[tool]]"}]
    message = chat(sim, **V4, messages=asked).json()["choices"][0]["message"]
    assert message["reasoning_content"]
    result = RESULT | {"tool_call_id": message["tool_calls"][0]["id"]}
    assert chat(sim, **V4, messages=[*asked, message, result]).json()["choices"][0]["finish_reason"] == "stop"
    lost = {"messages": [*asked, CALLED, RESULT, {"role": "assistant", "content": "It is."}, *USER]}
    assert error(chat(sim, **V4, **lost))["message"] == (
        "The `reasoning_content` in the thinking mode must be passed back to the API."
    )
    assert chat(sim, **V4, **lost, **DISABLED).status_code == 200


def test_reasoning_streams_before_a_call(sim):
    """In its own field, with the default thinking of V4."""
    text = chat(sim, **V4, messages=[{"role": "user", "content": "[[tool]] [[reasoning=1]]"}], stream=True).text
    assert text.index('"reasoning_content":"theta"') < text.index('"tool_calls"')


@pytest.mark.parametrize("effort", ["minimal", "low", "medium", "high", "xhigh", "max", "ultra"])
def test_efforts_are_mapped(sim, effort):
    """All documented ones are taken."""
    assert chat(sim, **V4, reasoning_effort=effort).status_code == 200


UNDESERIALIZABLE = "Failed to deserialize the JSON body into the target type: "


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"reasoning_effort": "none"}, UNDESERIALIZABLE + "reasoning_effort: unknown variant `none`, expected one of"),
        ({"thinking": {"type": "adaptive"}}, UNDESERIALIZABLE + "thinking.type: unknown variant `adaptive`, expected"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]},
            UNDESERIALIZABLE + "messages[0]: invalid type: sequence, expected a string",
        ),
        (
            {"messages": [*USER, {"role": "assistant", "tool_calls": CALLED["tool_calls"]}, RESULT], **DISABLED},
            UNDESERIALIZABLE + "messages[1]: missing field `content`",
        ),
        (
            {"messages": [{"role": "developer", "content": "be brief"}]},
            UNDESERIALIZABLE + "messages[0].role: unknown variant `developer`",
        ),
        ({"temperature": 3}, "Invalid temperature value, the valid range of temperature is [0, 2]"),
        ({"presence_penalty": -3}, "Invalid presence_penalty value, the valid range of presence_penalty is [-2, 2]"),
    ],
)
def test_requests_are_checked(sim, fields, text):
    """Efforts, modes, content and ranges, of the documentation of 2026-11-29."""
    assert error(chat(sim, **V4, **fields))["message"].startswith(text)


def test_a_refusal_is_text(sim):
    """DeepSeek has no field for it."""
    message = chat(sim, messages=[{"role": "user", "content": "[[refusal=No.]]"}]).json()["choices"][0]["message"]
    assert (message["content"], "refusal" in message) == ("No.", False)
    text = chat(sim, messages=[{"role": "user", "content": "[[refusal=No.]]"}], stream=True).text
    assert '"content":"No."' in text
    assert '"refusal"' not in text
