"""What of a provider's whole answer on OpenAI's chat wire reaches the caller: all, with id, model and usage ours."""

import json

from tests.functions.upstream import ASKED, sse, whole

CALLS = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


async def test_an_answer_comes_as_it_is(door):
    """Log probabilities, annotations, tier, fingerprint and what nobody has heard of yet."""
    logprobs = {"content": [{"token": "Hi", "logprob": -0.25, "bytes": [72, 105], "top_logprobs": []}], "refusal": None}
    came = whole(
        {"content": "Hi", "refusal": None, "annotations": [{"type": "url_citation"}], "novel": 1},
        service_tier="default",
        system_fingerprint="fp_1",
        novelty={"a": [1.0, None]},
    )
    came["choices"][0]["logprobs"] = logprobs
    details = {"cached_tokens": 5, "novel_tokens": 6}
    came["usage"] = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14, "prompt_tokens_details": details}
    door.answers(came)
    answer = await door.ask(logprobs=True)
    body = answer.json()
    usage = body.pop("usage")
    ours = {"id": f"chatcmpl-{answer.headers['x-gateway-request-id']}", "model": "gpt"}
    assert body == {name: value for name, value in {**came, **ours}.items() if name != "usage"}
    assert list(body) == [name for name in came if name != "usage"]
    assert (usage["prompt_tokens"], usage["completion_tokens"], usage["total_tokens"]) == (11, 3, 14)
    assert usage["prompt_tokens_details"]["cached_tokens"] == 5
    assert usage["prompt_tokens_details"]["novel_tokens"] == 6
    assert answer.headers["x-gateway-cost-usd"] == "0.0000125"


async def test_usage_in_an_odd_form_is_no_error(door):
    """What is billed is told all the same, counted here if need be."""
    for usage in (None, [], {"prompt_tokens": 11, "completion_tokens": 3, "prompt_tokens_details": [1]}):
        door.answers({**whole({"content": "Hi"}), "usage": usage})
        answer = await door.ask()
        assert answer.status_code == 200, answer.text
        assert answer.json()["usage"]["prompt_tokens"] > 0
        assert answer.json()["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


async def test_each_choice_comes(door):
    """All that were asked for, and charged as the provider counts them."""
    came = whole({"content": "One."})
    came["choices"].append({"index": 1, "message": {"role": "assistant", "content": "Two."}, "finish_reason": "length"})
    door.answers(came)
    assert (await door.ask(n=2)).json()["choices"] == came["choices"]


async def test_a_refusal_stays_one(door):
    """On OpenAI's wire apart from the content, on our own routes as text."""
    came = whole({"content": None, "refusal": "I must not."})
    door.answers(came)
    assert (await door.ask()).json()["choices"] == came["choices"]
    door.answers(came)
    told = await door.http.post("/v1/complete", json={"messages": ASKED, "model": "gpt"})
    assert told.json()["content"] == "I must not."


async def test_calls_without_arguments_get_an_object(door):
    """In each choice: SDKs read JSON out of them. Custom calls are no JSON."""
    bare = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    custom = {"id": "c2", "type": "custom", "custom": {"name": "run", "input": ""}}
    came = whole({"content": None, "tool_calls": [bare, custom]}, "tool_calls")
    came["choices"].append({**came["choices"][0], "index": 1})
    door.answers(came)
    for choice in (await door.ask()).json()["choices"]:
        assert choice["message"]["tool_calls"] == [*CALLS, custom]


async def test_a_content_in_parts_is_a_text(door):
    """As Mistral and others send it; OpenAI's clients know texts alone. Thoughts go where clients look for them."""
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "text", "text": "Hel"},
        {"type": "text", "text": "lo."},
    ]
    door.answers(whole({"content": parts}))
    (choice,) = (await door.ask("own")).json()["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hello.", "reasoning_content": "hm"}


async def test_an_empty_answer_comes_and_goes_back(door):
    """It is an answer; the next request with it in the history is one too."""
    came = whole({"content": None, "refusal": None}, "length")
    door.answers(came)
    message = (await door.ask()).json()["choices"][0]["message"]
    assert message == {"role": "assistant", "content": None, "refusal": None}
    door.answers(whole({"content": "Yes."}))
    answer = await door.ask(messages=[*ASKED, message, *ASKED])
    assert answer.status_code == 200, answer.text


async def test_what_no_client_can_be_sent_is_mended(door):
    """Halves of characters and numbers that are none: an answer that is paid for is no 500."""
    raw = json.dumps(whole({"content": "x"})).replace('"x"', '"a\\ud83d"').replace('"index": 0', '"index": 0, "p": NaN')
    door.answers(raw.encode())
    answer = await door.ask()
    assert answer.status_code == 200, answer.text
    (choice,) = answer.json()["choices"]
    assert (choice["message"]["content"], choice["p"]) == ("a?", None)


async def test_deepseeks_reasoning_travels_in_the_id_of_a_call(door):
    """Clients keep ids; what comes back is sent as DeepSeek wants it, and ids are plain there."""
    door.answers(whole({"content": "", "reasoning_content": "I need f.", "tool_calls": CALLS}, "tool_calls"))
    message = (await door.ask("deep")).json()["choices"][0]["message"]
    assert message["reasoning_content"] == "I need f."
    (call,) = message.pop("tool_calls")
    assert call["id"].startswith("c1__thought__d.")
    kept = {"role": "assistant", "content": None, "tool_calls": [call]}  # as clients keep it
    door.answers(whole({"content": "Done."}))
    answer = await door.ask(
        "deep", messages=[*ASKED, kept, {"role": "tool", "tool_call_id": call["id"], "content": "1"}]
    )
    assert answer.status_code == 200, answer.text
    assert door.body["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": CALLS, "reasoning_content": "I need f."},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ]
    assert "thinking" not in door.body
    door.answers(whole({"content": "Done."}))
    other = await door.ask(messages=[*ASKED, kept, {"role": "tool", "tool_call_id": call["id"], "content": "1"}])
    assert other.status_code == 200, other.text
    assert door.body["messages"][1:] == [
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ]


async def test_a_history_without_its_reasoning_is_gone_on_with_without(door):
    """DeepSeek refuses to think then; thinking is turned off and named."""
    history = [
        *ASKED,
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ]
    door.answers(whole({"content": "Done."}))
    answer = await door.ask("deep", messages=history, reasoning_effort="high")
    assert (door.body["thinking"], answer.headers["x-gateway-dropped"]) == ({"type": "disabled"}, "reasoning_effort")
    assert "reasoning_effort" not in door.body


async def test_errors_are_ours(door):
    """A provider's error body never goes on as it is; the next candidate takes over, translated or forwarded."""
    door.answers({"error": {"message": "secret sk-openai Hello.", "type": "server_error"}}, 500)
    said = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Hi."}]}
    usage = {"input_tokens": 5, "output_tokens": 1}
    door.answers({**said, "id": "msg_1", "model": "m", "stop_reason": "end_turn", "usage": usage})
    answer = await door.ask("mixed")
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"][0]["message"]["content"] == "Hi."
    assert (answer.headers["x-gateway-model"], answer.headers["x-gateway-attempts"]) == ("claude", "2")
    door.answers({"error": {"message": "secret"}}, 500)
    door.answers(whole({"content": "Hi.", "novel": 1}))
    forwarded = (await door.ask("openai")).json()
    assert (forwarded["model"], forwarded["choices"][0]["message"]["novel"]) == ("deep", 1)
    door.answers({"error": {"message": "You are wrong: Hello.", "param": "seed"}}, 400)
    refused = await door.ask()
    assert (refused.status_code, "You are wrong" in refused.text) == (400, False)


async def test_an_answer_has_a_date(door):
    """Its server's, or ours where it names none."""
    came = whole({"content": "Hi"})
    door.answers({name: value for name, value in came.items() if name != "created"})
    assert isinstance((await door.ask()).json()["created"], int)


async def test_a_call_of_a_custom_tool_comes_as_one(door):
    """Over Responses as on its own wire, whole and in pieces; its input is a text of any form."""
    item = {"type": "custom_tool_call", "call_id": "c1", "name": "run", "input": "ls"}
    usage = {"input_tokens": 5, "output_tokens": 3}
    done = {"status": "completed", "output": [item], "usage": usage}
    tools = [{"type": "custom", "custom": {"name": "run"}}]
    door.answers(done)
    (choice,) = (await door.ask("codex", tools=tools)).json()["choices"]
    assert choice["message"]["tool_calls"] == [{"id": "c1", "type": "custom", "custom": {"name": "run", "input": "ls"}}]
    begun = {"type": "response.output_item.added", "output_index": 0, "item": {**item, "input": ""}}
    said = {"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "ls"}
    door.streams(sse(begun, said, {"type": "response.completed", "response": done}))
    first, second, *_ = await door.events("codex", tools=tools)
    pieces = [event["choices"][0]["delta"]["tool_calls"] for event in (first, second)]
    head = {"index": 0, "id": "c1", "type": "custom", "custom": {"input": "", "name": "run"}}
    assert pieces == [[head], [{"index": 0, "custom": {"input": "ls"}}]]
