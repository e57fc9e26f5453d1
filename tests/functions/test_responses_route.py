"""POST /v1/responses on models that speak another wire: what they are told, and what the caller gets."""

from tests.functions.upstream import DONE, piece, sse, usage_event, whole

SPACE = {
    "type": "namespace",
    "name": "mcp__gw",
    "description": "Ours.",
    "tools": [{"type": "function", "name": "list_models", "parameters": {"type": "object"}}],
}
SEARCH = {"type": "web_search", "external_web_access": False}
GRAMMAR = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
F = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}


def item_of(item):
    """An item without the gateway's own id and state."""
    return {name: value for name, value in item.items() if name not in ("id", "status")}


async def test_a_text_is_answered(door):
    """With all members that SDKs read, under the gateway's names."""
    door.answers(whole({"content": "Hi."}))
    answer = await door.respond("deep", instructions="Be brief.", metadata={"agent_id": "bot"}, user="ada")
    assert answer.status_code == 200, answer.text
    assert door.body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello."},
    ]
    body = answer.json()
    hexed = answer.headers["x-gateway-request-id"].removeprefix("req_")
    part = {"type": "output_text", "text": "Hi.", "annotations": [], "logprobs": []}
    message = {"id": f"msg_{hexed}00", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
    assert (body["id"], body["object"], body["status"], body["model"]) == (
        f"resp_{hexed}",
        "response",
        "completed",
        "deep",
    )
    assert body["output"] == [message]
    assert body["usage"] == {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 3,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 14,
    }
    assert (body["instructions"], body["metadata"], body["store"]) == ("Be brief.", {"agent_id": "bot"}, False)
    (record,) = await door.world.records()
    assert (record.user_id, record.agent_id, record.model) == ("ada", "bot", "deep")
    assert "x-gateway-dropped" not in answer.headers


async def test_a_stream_has_its_events(door):
    """In OpenAI's order, numbered, with the usage and the cost at the end."""
    door.streams(
        sse(
            piece({"role": "assistant", "content": ""}),
            piece({"content": "Hi"}),
            piece({"content": "."}),
            piece({}, "stop"),
            usage_event(),
        ),
        DONE,
    )
    events = await door.response_events("deep")
    assert [one["type"] for one in events] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [one["delta"] for one in events if one["type"].endswith(".delta")] == ["Hi", "."]
    last = events[-1]["response"]
    assert (last["status"], last["output"][0]["content"][0]["text"]) == ("completed", "Hi.")
    assert (last["usage"]["total_tokens"], last["usage"]["cost_usd"]) == (14, "0.000017")


async def test_tools_are_functions_elsewhere(door):
    """Namespaces by both names, custom tools with one argument, and each comes back as it was declared."""
    custom = {"type": "custom", "name": "run", "description": "Runs.", "format": GRAMMAR}
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "mcp__gw__list_models", "arguments": "{}"}},
        {"id": "c2", "type": "function", "function": {"name": "run", "arguments": '{"input": "ls \\"a\\""}'}},
        {"id": "c3", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
    ]
    door.answers(whole({"content": None, "tool_calls": calls}, "tool_calls"))
    answer = await door.respond("own", tools=[F, SPACE, custom, SEARCH], tool_choice={"type": "custom", "name": "run"})
    assert answer.status_code == 200, answer.text
    functions = [tool["function"] for tool in door.body["tools"]]
    assert [one["name"] for one in functions] == ["f", "mcp__gw__list_models", "run"]
    assert functions[2]["parameters"]["required"] == ["input"]
    assert "start: /a/" in functions[2]["parameters"]["properties"]["input"]["description"]
    assert door.body["tool_choice"] == {"type": "function", "function": {"name": "run"}}
    assert [item_of(one) for one in answer.json()["output"]] == [
        {"type": "function_call", "call_id": "c1", "namespace": "mcp__gw", "name": "list_models", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "run", "input": 'ls "a"'},
        {"type": "function_call", "call_id": "c3", "name": "f", "arguments": '{"a":1}'},
    ]
    assert answer.headers["x-gateway-dropped"] == "tools.format, web_search"


async def test_calls_come_in_events(door):
    """Pieces of two calls may come in turns; the input of a custom tool comes whole."""
    begun = [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "mcp__gw__list_models", "arguments": ""}}
    ]
    other = [{"index": 1, "id": "c2", "type": "function", "function": {"name": "run", "arguments": '{"inp'}}]
    more = [{"index": 0, "function": {"arguments": "{}"}}, {"index": 1, "function": {"arguments": 'ut": "ls"}'}}]
    pieces = [piece({"content": "So."}), *(piece({"tool_calls": calls}) for calls in (begun, other, more))]
    door.streams(sse(*pieces, piece({}, "tool_calls")), DONE)
    events = await door.response_events("own", tools=[SPACE, {"type": "custom", "name": "run"}])
    assert [(one["type"].removeprefix("response."), one.get("output_index")) for one in events[6:-1]] == [
        ("content_part.done", 0),
        ("output_item.done", 0),
        ("output_item.added", 1),
        ("output_item.added", 2),
        ("function_call_arguments.delta", 1),
        ("function_call_arguments.done", 1),
        ("output_item.done", 1),
        ("custom_tool_call_input.delta", 2),
        ("custom_tool_call_input.done", 2),
        ("output_item.done", 2),
    ]
    text, call, custom = events[-1]["response"]["output"]
    assert (text["content"][0]["text"], custom["input"]) == ("So.", "ls")
    assert (call["name"], call["namespace"], call["arguments"]) == ("list_models", "mcp__gw", "{}")
    added = [one["item"] for one in events if one["type"] == "response.output_item.added"]
    assert [one["id"] for one in added] == [one["id"] for one in events[-1]["response"]["output"]]


async def test_a_history_is_told_in_turns(door):
    """A turn with all its calls, then their results, whatever stood between; what only OpenAI reads is named."""
    items = [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "input_text", "text": "Hello."}]},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAAB.sealed"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "So."}]},
        {"type": "function_call", "call_id": "c1", "namespace": "mcp__gw", "name": "list_models", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "run", "input": "ls"},
        {"role": "user", "content": "Quick!"},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "two"}]},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Go on."},
    ]
    door.answers(whole({"content": "Hi."}))
    answer = await door.respond("own", items)
    assert answer.status_code == 200, answer.text
    calls = [
        {"id": "c1", "type": "function", "function": {"name": "mcp__gw__list_models", "arguments": "{}"}},
        {"id": "c2", "type": "function", "function": {"name": "run", "arguments": '{"input": "ls"}'}},
    ]
    assert door.body["messages"] == [
        {"role": "system", "content": [{"type": "text", "text": "Be brief."}]},
        {"role": "user", "content": [{"type": "text", "text": "Hello."}]},
        {"role": "assistant", "content": "So.", "tool_calls": calls},
        {"role": "tool", "tool_call_id": "c1", "content": "one"},
        {"role": "tool", "tool_call_id": "c2", "content": [{"type": "text", "text": "two"}]},
        {"role": "user", "content": "Quick!"},
        {"role": "assistant", "content": [{"type": "text", "text": "No."}]},
        {"role": "assistant", "content": "Yes."},
        {"role": "user", "content": "Go on."},
    ]
    assert answer.headers["x-gateway-dropped"] == "encrypted_content"


async def test_options_have_their_own_words(door):
    """What is nested here is flat there; what is dropped is named as the caller knows it."""
    form = {"type": "json_schema", "name": "s", "schema": {"type": "object"}, "strict": True}
    door.answers(whole({"content": "{}"}))
    answer = await door.respond(
        "own",
        text={"format": form, "verbosity": "low"},
        reasoning={"effort": "low", "summary": "auto"},
        max_output_tokens=50,
        top_p=0.5,
        service_tier="flex",
        store=True,
        truncation="auto",
        client_metadata={"thread": 1},
        max_tool_calls=3,
    )
    assert answer.status_code == 200, answer.text
    assert door.body == {
        "model": "own-upstream",
        "messages": [{"role": "user", "content": "Hello."}],
        "top_p": 0.5,
        "service_tier": "flex",
        "reasoning_effort": "low",
        "response_format": {"type": "json_schema", "json_schema": {k: v for k, v in form.items() if k != "type"}},
        "verbosity": "low",
        "max_tokens": 50,
    }
    assert answer.headers["x-gateway-dropped"] == "store, truncation"
    told = answer.json()
    assert (told["text"], told["reasoning"]) == (
        {"format": form, "verbosity": "low"},
        {"effort": "low", "summary": "auto"},
    )


async def test_reasoning_is_shown_where_it_is_asked_for(door):
    """As a summary before the text, whole and streamed; else it is not."""
    said = {"content": "Hi.", "reasoning_content": "hm"}
    for summary, kinds in (("auto", ["reasoning", "message"]), (None, ["message"])):
        door.answers(whole(said))
        output = (await door.respond("own", reasoning={"summary": summary})).json()["output"]
        assert [one["type"] for one in output] == kinds
        door.streams(sse(piece({"reasoning_content": "hm"}), piece({"content": "Hi."}), piece({}, "stop")), DONE)
        events = await door.response_events("own", reasoning={"summary": summary})
        assert events[-1]["response"]["output"] == [
            {**one, "id": streamed["id"]}
            for one, streamed in zip(output, events[-1]["response"]["output"], strict=True)
        ]
        assert [one["item"]["type"] for one in events if one["type"] == "response.output_item.done"] == kinds
    assert output[0]["content"][0]["text"] == "Hi."


async def test_an_answer_may_be_short_or_declined(door):
    """`incomplete` where the limit ended it; refusals are parts of their own; nothing said is an empty text."""
    door.answers(whole({"content": "H"}, "length"))
    told = (await door.respond("own", max_output_tokens=1)).json()
    assert (told["status"], told["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert told["output"][0]["status"] == "incomplete"
    door.answers(whole({"content": None, "refusal": "No."}))
    (said,) = (await door.respond("own")).json()["output"]
    assert said["content"] == [{"type": "refusal", "refusal": "No."}]
    door.streams(
        sse(piece({"content": "H"}), piece({"refusal": "No"}), piece({"refusal": "."}), piece({}, "length")), DONE
    )
    last = (await door.response_events("own"))[-1]
    assert last["type"] == "response.incomplete"
    assert [part["type"] for part in last["response"]["output"][0]["content"]] == ["output_text", "refusal"]
    door.streams(sse(piece({}, "stop"), usage_event()), DONE)
    last = (await door.response_events("own"))[-1]
    assert [part["text"] for part in last["response"]["output"][0]["content"]] == [""]


async def test_a_stream_that_breaks_ends_like_one(door):
    """What was said is in `response.failed`; `error` makes SDKs raise. Before the first word it is plain HTTP."""
    call = [{"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{"}}]
    door.streams(sse(piece({"content": "Hi"}), piece({"tool_calls": call})))
    *_, failed, error = await door.response_events("own", tools=[F])
    assert (failed["type"], error["type"], error["code"]) == ("response.failed", "error", "provider_error")
    text, begun = failed["response"]["output"]
    assert (text["content"][0]["text"], begun["status"]) == ("Hi", "incomplete")
    assert (failed["response"]["status"], failed["response"]["usage"]["output_tokens"] > 0) == ("failed", True)
    door.answers({"error": {"message": "no"}}, 400)
    assert (await door.respond("own", stream=True)).status_code == 400


async def test_claudes_thoughts_travel_in_the_ids_of_calls(door):
    """As on the chat wire: the next turn has them, and OpenAI gets plain ids."""
    thought = {"type": "thinking", "thinking": "hm", "signature": "sig"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    usage = {"input_tokens": 5, "output_tokens": 1}
    said = {"type": "message", "role": "assistant", "content": [thought, use], "stop_reason": "tool_use"}
    door.answers({**said, "id": "msg_1", "model": "m", "usage": usage})
    asked = [{"role": "user", "content": "Hello."}]
    body = (await door.respond("claude", asked, tools=[F], reasoning={"summary": "auto"})).json()
    result = {"type": "function_call_output", "call_id": body["output"][-1]["call_id"], "output": "1"}
    door.answers({**said, "content": [{"type": "text", "text": "Hi."}], "stop_reason": "end_turn", "usage": usage})
    answer = await door.respond("claude", [*asked, *body["output"], result], tools=[F], reasoning={"effort": "high"})
    assert answer.status_code == 200, answer.text
    assert door.body["messages"][1]["content"] == [thought, use]
