"""What of a request on OpenAI's chat wire reaches a provider on the same wire: all of it, less what is ours."""

import json

import pytest

from tests.functions.upstream import ASKED, whole

HELLO = whole({"content": "Hello."})
PNG = "data:image/png;base64,iVBORw0KGgo="


async def test_the_body_goes_on_as_it_came(door):
    """Order, numbers and nulls kept; ours set: model, cap, storage, tier; ours taken out: cache, metadata, user."""
    door.answers(HELLO)
    raw = (
        '{"top_p": 0.50, "seed": 7, "user": "ada", "model": "gpt", "cache": false, "metadata": {"agent_id": "bot"},'
        ' "logit_bias": {"50256": -100}, "stop": null, "messages": [{"role": "user", "content": "Hello."}],'
        ' "max_completion_tokens": 50, "temperature": 1.0, "n": 1, "store": false, "audio": null, "logprobs": true,'
        ' "top_logprobs": 2, "web_search_options": null, "verbosity": "low", "prediction": {"type": "content",'
        ' "content": "Hello."}, "prompt_cache_retention": "24h", "stream": false, "stream_options": null}'
    )
    answer = await door.http.post("/v1/chat/completions", content=raw)
    assert answer.status_code == 200, answer.text
    assert door.network.sent[-1].content.decode() == (
        '{"model":"gpt-upstream","messages":[{"role":"user","content":"Hello."}],"top_p":0.5,"seed":7,'
        '"logit_bias":{"50256":-100},"stop":null,"temperature":1.0,"n":1,"audio":null,"logprobs":true,"top_logprobs":2,'
        '"web_search_options":null,"verbosity":"low","prediction":{"type":"content","content":"Hello."},'
        '"prompt_cache_retention":"24h","max_completion_tokens":50,"store":false,"service_tier":"default"}'
    )
    request = door.network.sent[-1]
    assert str(request.url) == "https://openai.example/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer sk-openai"
    (record,) = await door.world.records()
    assert (record.user_id, record.agent_id, record.model) == ("ada", "bot", "gpt")
    assert "x-gateway-dropped" not in answer.headers


async def test_a_stream_asks_for_its_usage(door):
    """Whether the caller wants it or not; its other options go along."""
    for options, sent in (
        (None, {"include_usage": True}),
        ({"include_usage": False}, {"include_usage": True}),
        ({"include_obfuscation": False}, {"include_obfuscation": False, "include_usage": True}),
    ):
        door.streams(b"data: [DONE]\n\n")
        await door.ask(stream=True, stream_options=options)
        assert (door.body["stream"], door.body["stream_options"]) == (True, sent)


async def test_names_are_kept_apart_by_project(door):
    """Caches and watches for abuse go by them."""
    door.answers(HELLO)
    await door.ask(prompt_cache_key="key", safety_identifier="s" * 100)
    assert door.body["prompt_cache_key"] == "alpha:key"
    assert door.body["safety_identifier"].startswith("alpha:")
    assert len(door.body["safety_identifier"]) == 64


@pytest.mark.parametrize(
    "options",
    [
        {"tools": [{"type": "custom", "custom": {"name": "run", "format": {"type": "text"}}}]},
        {"functions": [{"name": "f", "parameters": {"type": "object"}}], "function_call": {"name": "f"}},
        {"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}},
        {"n": 2},
        {"service_tier": "flex"},
        {"reasoning_effort": "xhigh"},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": {"$ref": "#"}}}},
        {
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"$defs": {}, "oneOf": [True]}}}],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
            "parallel_tool_calls": False,
        },
        {"moderation": {"x": 1}, "prompt_cache_options": {"y": 2}},
    ],
)
async def test_what_openai_documents_goes_on(door, options):
    """Unchanged, whatever no translation could carry."""
    door.answers(HELLO)
    answer = await door.ask(**options)
    assert answer.status_code == 200, answer.text
    assert {name: door.body[name] for name in options} == options


async def test_documented_parts_and_turns_go_on(door):
    """Files, sound, images by `detail`, refusals, old functions."""
    parts = [
        {"type": "text", "text": "Read."},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
    ]
    messages = [
        {"role": "developer", "content": "Be brief.", "name": "dev"},
        {"role": "user", "content": parts},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
    ]
    door.answers(HELLO)
    answer = await door.ask(messages=messages)
    assert answer.status_code == 200, answer.text
    assert door.body["messages"] == messages


async def test_what_others_left_in_a_history_stays_here(door):
    """Names of tool results, nulls, marks for caches, and what SDKs and gateways add; the marks are named."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}, "index": 0}
    messages = [
        {"role": "system", "content": [{"type": "text", "text": "Hi.", "cache_control": {"type": "ephemeral"}}]},
        {"role": "user", "content": [], "name": None},
        {"role": "assistant", "content": None, "refusal": None, "reasoning_content": "hm", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "name": "f", "content": None},
    ]
    door.answers(HELLO)
    answer = await door.ask(messages=messages, top_k=5, store=True)
    assert answer.status_code == 200, answer.text
    sent = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert door.body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "Hi."}]},
        {"role": "user", "content": ""},
        {"role": "assistant", "content": None, "tool_calls": [sent]},
        {"role": "tool", "tool_call_id": "c1", "content": ""},
    ]
    assert answer.headers["x-gateway-dropped"] == "cache_control, store, top_k"
    assert "top_k" not in door.body


@pytest.mark.parametrize("body", [{"x": 1}, {"temprature": 1}, {"api_base": "https://a.example"}])
async def test_an_unknown_field_is_refused(door, body):
    """422 that names it, whoever is asked; nothing is sent."""
    answer = await door.ask(**body)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, next(iter(body)))
    assert door.network.sent == []


async def test_a_member_that_comes_twice_is_refused(door):
    """400 that names it, at any depth: a provider might read the other one."""
    for raw in (
        '{"n": 1, "n": 2}',
        json.dumps({"model": "gpt", "messages": ASKED})[:-1] + ', "a": [{"b": 1, "b": 1}]}',
    ):
        answer = await door.http.post("/v1/chat/completions", content=raw)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "body")
        assert "twice" in answer.json()["error"]["message"]
    assert door.network.sent == []


@pytest.mark.parametrize(
    "odd", [r'"\ud800": NaN', r'"\ud800": "\ud800"', r'"\ud800": 1, "\ud800": 2', r'"a": {"\udfff": 1e999}']
)
async def test_a_name_that_is_no_unicode_is_refused(door, odd):
    """400, whatever else is wrong there: the error itself can be sent."""
    raw = json.dumps({"model": "gpt", "messages": ASKED})[:-1] + f", {odd}}}"
    answer = await door.http.post("/v1/chat/completions", content=raw)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")
    assert door.network.sent == []


async def test_a_candidate_that_cannot_is_passed_over(door):
    """With the reason in the attempts; the next one is asked."""
    door.answers(HELLO)
    answer = await door.ask("narrow", n=2)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["x-gateway-model"], door.body["n"]) == ("own", 2)
    door.answers(HELLO)
    asked = {"messages": ASKED, "model_group": "narrow", "logit_bias": {"1": 1}}
    told = (await door.http.post("/v1/complete", json=asked)).json()
    assert [(one["model"], one["outcome"], one["error_code"]) for one in told["attempts"]] == [
        ("claude", "skipped", "unsupported"),
        ("own", "ok", None),
    ]


async def test_images_in_results_of_tools_are_no_openai_chat(door):
    """A 400 that names the part, as OpenAI would refuse it."""
    part = {"type": "image_url", "image_url": {"url": PNG}}
    messages = [*ASKED, {"role": "tool", "tool_call_id": "c1", "content": [part]}]
    answer = await door.ask(messages=messages)
    assert (answer.status_code, door.network.sent) == (400, [])
    assert answer.json()["error"]["param"] == "messages.1.content.0"


async def test_deepseek_gets_texts_and_its_own_words(door):
    """`max_tokens`, `system`, contents that are texts, thinking as a switch; neither tier nor storage."""
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "Be "}, {"type": "text", "text": "brief."}]},
        *ASKED,
        {"role": "assistant", "content": None, "refusal": "No."},
        *ASKED,
        {"role": "assistant"},
        *ASKED,
    ]
    door.answers(HELLO)
    answer = await door.ask("deep", messages=messages, reasoning_effort="low", max_tokens=20)
    assert answer.status_code == 200, answer.text
    assert door.body == {
        "model": "deep-upstream",
        "messages": [
            {"role": "system", "content": "Be brief."},
            *ASKED,
            {"role": "assistant", "content": "No."},
            *ASKED,
            {"role": "assistant", "content": ""},
            *ASKED,
        ],
        "thinking": {"type": "enabled"},
        "reasoning_effort": "high",
        "max_tokens": 20,
    }
    assert answer.headers["x-gateway-dropped"] == "reasoning_effort"


async def test_an_equal_question_may_have_a_kept_answer(door):
    """With `cache` the answer is our own form, kept or not; what only the provider's holds is not kept."""
    door.answers(HELLO)
    first, second = [await door.ask(cache=True) for _ in range(2)]
    assert (len(door.network.sent), second.headers["x-gateway-cached"]) == (1, "true")
    assert first.json()["choices"] == second.json()["choices"]
    for _ in range(2):
        door.answers(HELLO)
        assert "x-gateway-cached" not in (await door.ask(cache=True, logprobs=True)).headers
    assert len(door.network.sent) == 3


async def test_our_own_route_sends_no_more_than_it_says(door):
    """Its default temperature, its cap, nothing of the body."""
    door.answers(HELLO)
    answer = await door.http.post("/v1/complete", json={"messages": ASKED, "model": "gpt", "agent_id": "bot"})
    assert answer.json()["content"] == "Hello."
    assert door.body == {
        "model": "gpt-upstream",
        "messages": ASKED,
        "temperature": 0.7,
        "max_completion_tokens": 4096,
        "store": False,
        "service_tier": "default",
    }


async def test_a_value_of_the_right_type_is_told_what_is_wrong_with_it(door):
    """Of an option that may be a text or a list."""
    answer = await door.ask(stop=["a", "b", "c", "d", "e"])
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (422, "stop")
    assert "at most 4 items" in error["message"]
