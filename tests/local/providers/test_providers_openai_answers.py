"""What OpenAI's chat answers carry on demand, with the official client as the judge of what parses."""

from __future__ import annotations

import json

import httpx
import pytest

USER = [{"role": "user", "content": "[[words=2]]"}]
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
CUSTOM = {"type": "custom", "custom": {"name": "run", "description": "Runs it."}}
SPOKEN = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}


def ask(client, text="[[words=2]]", model="gpt-5.1", **fields):
    return client.chat.completions.create(model=model, messages=[{"role": "user", "content": text}], **fields)


def deltas(client, text="[[words=2]]", **fields):
    return [choice.delta for chunk in ask(client, text, stream=True, **fields) for choice in chunk.choices]


def test_log_probabilities(client):
    """One for each token, with as many alternatives as asked for, whole and streamed."""
    content = ask(client, logprobs=True, top_logprobs=2).choices[0].logprobs.content
    assert [(one.token, len(one.top_logprobs)) for one in content] == [("alpha", 2), (" beta", 2)]
    assert bytes(content[1].bytes) == b" beta"
    chunks = list(ask(client, logprobs=True, stream=True))
    streamed = [one.token for chunk in chunks if (likely := chunk.choices[0].logprobs) for one in likely.content]
    assert streamed == ["alpha", " beta"]
    assert ask(client).choices[0].logprobs is None
    called = list(ask(client, "[[tool]]", tools=[TOOL], logprobs=True, stream=True))
    assert {chunk.choices[0].logprobs for chunk in called} == {None}


def test_several_choices(client):
    """Each has its index, usage counts them all and the input once."""
    answer = ask(client, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (5, 6)
    chunks = list(ask(client, n=2, stream=True, stream_options={"include_usage": True}))
    said = ["", ""]
    for chunk in chunks:
        for choice in chunk.choices:
            said[choice.index] += choice.delta.content or ""
    assert said == ["alpha beta"] * 2
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-2:] == ["stop", "stop"]
    assert chunks[-1].usage.completion_tokens == 4


def test_what_was_sent_of_several_choices_is_counted(sim, client):
    """A stream that breaks counts the tokens of every choice."""
    sim.control.fault("openai", "cut", times=1, after_chunks=4)
    with pytest.raises(httpx.RemoteProtocolError):
        list(ask(client, "[[words=9]]", n=2, stream=True))
    assert sim.control.counts("openai", "gpt-5.1")["unfinished_output_tokens"] == 4


@pytest.mark.parametrize(("asked", "told"), [("flex", "flex"), ("priority", "priority"), ("auto", "default")])
def test_the_tier_that_is_billed_is_told(client, asked, told):
    """A tier that was asked for by name is the one that serves."""
    assert ask(client, service_tier=asked).service_tier == told
    assert next(iter(ask(client, service_tier=asked, stream=True))).service_tier == told


def test_a_refusal_has_a_field_of_its_own(client):
    """No content; streamed as deltas of the refusal."""
    message = ask(client, "[[refusal]]", logprobs=True).choices[0].message
    assert (message.content, message.refusal) == (None, "I can't help with that.")
    parts = deltas(client, "[[refusal=Not that.]]")
    assert "".join(part.refusal or "" for part in parts) == "Not that."
    assert {part.content for part in parts} == {None}


def test_a_refusal_is_no_answer_in_json(client):
    """Structured output that is refused parses as a refusal, even where a tool must be called."""
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    choice = ask(client, "[[refusal]]", response_format=wanted, tools=[TOOL], tool_choice="required").choices[0]
    assert (choice.finish_reason, choice.message.tool_calls) == ("stop", None)
    assert choice.message.refusal


def test_a_custom_tool_is_called_with_text(client):
    """Its input is free text, whole and streamed."""
    call = ask(client, tools=[CUSTOM], tool_choice="required").choices[0].message.tool_calls[0]
    assert (call.type, call.custom.name, call.custom.input) == ("custom", "run", "print('text')")
    parts = [
        call.model_dump() for delta in deltas(client, "[[tool=run]]", tools=[CUSTOM]) for call in delta.tool_calls or ()
    ]
    assert (parts[0]["type"], parts[0]["custom"]) == ("custom", {"name": "run", "input": ""})
    assert "".join(part["custom"]["input"] for part in parts) == "print('text')"


def test_only_allowed_tools_are_called(client):
    """Of several tools those that are allowed; required means one of them."""
    chosen = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [CUSTOM]}}
    calls = ask(client, tools=[TOOL, CUSTOM], tool_choice=chosen).choices[0].message.tool_calls
    assert [call.type for call in calls] == ["custom"]


def test_functions_of_old(client):
    """`functions` are answered by `function_call`, and their results by text."""
    asked = {"functions": [{"name": "f", "parameters": {"type": "object"}}], "function_call": {"name": "f"}}
    choice = ask(client, **asked).choices[0]
    assert (choice.finish_reason, choice.message.function_call.name) == ("function_call", "f")
    parts = [delta.function_call for delta in deltas(client, **asked) if delta.function_call]
    assert (parts[0].name, "".join(part.arguments for part in parts)) == ("f", "{}")
    messages = [
        {"role": "user", "content": "[[tool]]"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "done"},
    ]
    answer = client.chat.completions.create(model="gpt-5.1", messages=messages, functions=asked["functions"])
    assert answer.choices[0].finish_reason == "stop"


def test_a_call_without_arguments(client):
    """The directive leaves the text of the arguments empty."""
    call = ask(client, "[[tool]] [[no_args]]", tools=[TOOL]).choices[0].message.tool_calls[0]
    assert call.function.arguments == ""
    parts = [call for delta in deltas(client, "[[tool]] [[no_args]]", tools=[TOOL]) for call in delta.tool_calls or ()]
    assert [part.function.arguments for part in parts] == [""]


def test_a_spoken_answer(client):
    """Sound with its transcript, no content, and tokens of sound both ways."""
    heard = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    messages = [{"role": "user", "content": [heard, {"type": "text", "text": "[[words=2]]"}]}]
    answer = client.chat.completions.create(model="gpt-audio", messages=messages, **SPOKEN)
    message = answer.choices[0].message
    assert (message.content, message.audio.transcript, bool(message.audio.data)) == (None, "alpha beta", True)
    assert answer.usage.prompt_tokens_details.audio_tokens == 32
    assert answer.usage.completion_tokens_details.audio_tokens == 2
    streamed = SPOKEN | {"audio": {"voice": "alloy", "format": "pcm16"}}
    parts = [delta.model_dump().get("audio") for delta in deltas(client, model="gpt-audio", **streamed)]
    sound = [part for part in parts if part]
    assert "".join(part.get("transcript", "") for part in sound) == "alpha beta"
    assert sound[0]["id"].startswith("audio_")
    assert any("data" in part for part in sound)


def test_a_prediction_is_accepted_as_far_as_it_holds(client):
    """What is left of it is billed as output."""
    expected = {"type": "content", "content": "alpha beta delta gamma"}
    usage = ask(client, "[[words=3]]", model="gpt-4o", prediction=expected).usage
    details = usage.completion_tokens_details
    assert (details.accepted_prediction_tokens, details.rejected_prediction_tokens) == (2, 2)
    assert usage.completion_tokens == 3 + 2


def test_files_and_refusals_count_as_input(sim):
    """A file like an image, and the parts of a history."""
    part = {"type": "file", "file": {"file_id": "file-1"}}
    body = {"model": "gpt-5.1", "messages": [{"role": "user", "content": [part]}]}
    answer = sim.post("openai", "/chat/completions", body).json()
    assert answer["usage"]["prompt_tokens"] == 258 + 3


def test_an_empty_answer(sim):
    """`[[say=]]` says nothing at all, whole and streamed."""
    whole = sim.chat("openai", "[[say=]]").json()
    assert (whole["choices"][0]["message"]["content"], whole["usage"]["completion_tokens"]) == ("", 0)
    events = sim.events("openai", "[[say=]]")
    assert [event.data["choices"][0]["finish_reason"] for event in events[:-1]] == [None, "stop"]


def test_content_in_parts(sim):
    """The directive puts text into lists of parts, whole and streamed."""
    whole = sim.chat("openai", "[[words=2]] [[parts]]").json()
    assert whole["choices"][0]["message"]["content"] == [{"type": "text", "text": "alpha beta"}]
    told = [event.data["choices"][0]["delta"] for event in sim.events("openai", "[[words=2]] [[parts]]")[:-1]]
    assert [delta.get("content") for delta in told] == [
        "",
        [{"type": "text", "text": "alpha"}],
        [{"type": "text", "text": " beta"}],
        None,
    ]


def test_the_parts_of_an_answer_do_not_change_what_is_counted(sim):
    """Oddities of wording are not the model's."""
    sim.control.answer("openai", parts=True, no_usage=True)
    assert "usage" not in sim.chat("openai").json()
    assert sim.control.counts("openai", "gpt-5.1")["output_tokens"] == 4


def test_an_official_stream_of_a_refusal_adds_up(client):
    """The SDK's own accumulation finds the refusal."""
    with client.chat.completions.stream(
        model="gpt-5.1", messages=[{"role": "user", "content": "[[refusal=No, thanks.]]"}]
    ) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.refusal == "No, thanks."
    assert json.loads(final.model_dump_json())["choices"][0]["message"]["content"] is None
