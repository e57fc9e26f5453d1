"""What of a request on OpenAI's Responses reaches OpenAI, and of its answers the caller: all, less what is ours."""

import json
from typing import Any

import pytest

from tests.functions.upstream import sse

PNG = "data:image/png;base64,iVBORw0KGgo="
USAGE = {"input_tokens": 11, "output_tokens": 3, "total_tokens": 14, "novel": 1}
PART = {"type": "output_text", "text": "Hi.", "annotations": [], "logprobs": []}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [PART]}
SEALED = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAAAB.sealed"}
FUNCTION = {"type": "function", "name": "f", "description": "F.", "strict": False, "parameters": {"type": "object"}}
CUSTOM = {"type": "custom", "name": "run", "format": {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}}
SPACE = {"type": "namespace", "name": "mcp__gw", "description": "Ours.", "tools": [FUNCTION, CUSTOM]}


def response(*output: Any, status: str = "completed", **more: Any) -> dict[str, Any]:
    """A response of OpenAI's."""
    frame = {"id": "resp_up", "object": "response", "created_at": 5, "model": "m-1", "error": None}
    told = {"incomplete_details": None, "store": False, "metadata": {}, "prompt_cache_key": "alpha:key", "usage": USAGE}
    return {**frame, "status": status, "output": list(output), **told, **more}


def streamed(*output: Any, end: str = "completed", **more: Any) -> list[dict[str, Any]]:
    """The events of a stream with one text."""
    begun = response(status="in_progress", usage=None)
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**MESSAGE, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**PART, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": "Hi.", "logprobs": []},
        {"type": "response.output_text.done", **place, "text": "Hi.", "logprobs": []},
        {"type": "response.content_part.done", **place, "part": PART},
        {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
        {"type": f"response.{end}", "response": response(*output, status=end, **more)},
    ]
    return [{**event, "sequence_number": 7 + number} for number, event in enumerate(events)]


async def test_the_body_goes_on_as_it_came(door):
    """Order, numbers and nulls kept; ours set: model, cap, storage, tier; ours taken out: metadata, user."""
    door.answers(response(MESSAGE))
    raw = (
        '{"top_p": 0.50, "user": "ada", "model": "codex", "metadata": {"agent_id": "bot"}, "input": "Hello.",'
        ' "max_output_tokens": 50, "temperature": 1.0, "store": false, "include": ["reasoning.encrypted_content"],'
        ' "client_metadata": {"turn_id": "t1"}, "truncation": "auto", "instructions": null, "stream": false,'
        ' "reasoning": {"summary": "auto", "effort": "high"}, "text": {"verbosity": "low"}, "prompt_cache_key": "key"}'
    )
    answer = await door.http.post("/v1/responses", content=raw)
    assert answer.status_code == 200, answer.text
    assert door.network.sent[-1].content.decode() == (
        '{"model":"codex-upstream","input":"Hello.","top_p":0.5,"temperature":1.0,'
        '"include":["reasoning.encrypted_content"],"client_metadata":{"turn_id":"t1"},"truncation":"auto",'
        '"instructions":null,"reasoning":{"summary":"auto","effort":"high"},"text":{"verbosity":"low"},'
        '"prompt_cache_key":"alpha:key","service_tier":"default","max_output_tokens":50,"store":false}'
    )
    (record,) = await door.world.records()
    assert (record.user_id, record.agent_id, record.model) == ("ada", "bot", "codex")
    assert "x-gateway-dropped" not in answer.headers


async def test_a_model_of_the_chat_wire_is_called_on_this_one(door):
    """OpenAI serves it on both; it stays the same deployment. Compatible servers speak chat alone."""
    door.answers(response(MESSAGE))
    answer = await door.respond("gpt")
    assert answer.status_code == 200, answer.text
    assert str(door.network.sent[-1].url) == "https://openai.example/v1/responses"
    (record,) = await door.world.records()
    assert record.model == "gpt"


async def test_every_tool_that_the_caller_runs_goes_on(door):
    """Namespaces, grammars, shells; web search is left out and named, with what there is to choose."""
    shell = {"type": "shell", "environment": {"type": "local"}}
    tools = [FUNCTION, CUSTOM, SPACE, shell, {"type": "apply_patch"}]
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}
    search = {"type": "web_search", "external_web_access": False}
    wider = {**choice, "tools": [*choice["tools"], {"type": "web_search"}]}
    door.answers(response(MESSAGE))
    answer = await door.respond("codex", tools=[*tools, search], tool_choice=wider, parallel_tool_calls=False)
    assert answer.status_code == 200, answer.text
    assert (door.body["tools"], door.body["tool_choice"]) == (tools, choice)
    assert answer.headers["x-gateway-dropped"] == "web_search"
    door.answers(response(MESSAGE))
    answer = await door.respond("codex", tools=[search], tool_choice="auto", parallel_tool_calls=True)
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & door.body.keys()


async def test_a_history_goes_on_as_it_came(door):
    """Items with the ids of clients, calls in namespaces, results in parts, sealed reasoning, what a client did."""
    items = [
        {
            "type": "message",
            "id": "msg_x",
            "role": "developer",
            "content": [{"type": "input_text", "text": "Be brief."}],
        },
        {"role": "user", "content": [{"type": "input_image", "image_url": PNG, "detail": "low"}]},
        SEALED,
        {
            "type": "function_call",
            "id": "fc_1",
            "call_id": "c1",
            "name": "f",
            "namespace": "mcp__gw",
            "arguments": "{}",
        },
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "1"}]},
        {**MESSAGE, "phase": "commentary"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "run", "input": "a"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": "2"},
        {"type": "apply_patch_call", "call_id": "c3", "status": "completed", "operation": {"type": "delete_file"}},
        {"type": "compaction", "encrypted_content": "gAAAA"},
        {"role": "user", "content": "Go on."},
    ]
    door.answers(response(MESSAGE))
    answer = await door.respond("gpt", items, tools=[FUNCTION, CUSTOM, SPACE])
    assert answer.status_code == 200, answer.text
    assert door.body["input"] == items


async def test_what_others_left_in_a_history_stays_here(door):
    """Reasoning that OpenAI has not sealed is named; ids that carry another's signature are plain, images by name.

    Ids of items that nobody there has made are left out.
    """
    items = [
        {"type": "reasoning", "id": "rs_2", "summary": [{"type": "summary_text", "text": "hm"}]},
        {
            "type": "function_call",
            "id": "__fake_id__",
            "internal_chat_message_metadata_passthrough": {"turn_id": "t1"},
            "call_id": "toolu_1__thought__a.eJw",
            "name": "f",
            "arguments": "",
        },
        {"type": "function_call_output", "call_id": "toolu_1__thought__a.eJw", "output": "1"},
        {"role": "user", "content": [{"type": "input_image", "image_url": PNG.replace("png", "jpg")}]},
    ]
    door.answers(response(MESSAGE))
    answer = await door.respond("gpt", items)
    assert answer.status_code == 200, answer.text
    assert door.body["input"] == [
        {"type": "function_call", "call_id": "toolu_1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "toolu_1", "output": "1"},
        {"role": "user", "content": [{"type": "input_image", "image_url": PNG.replace("png", "jpeg")}]},
    ]
    assert answer.headers["x-gateway-dropped"] == "encrypted_content"


async def test_json_mode_has_its_word(door):
    """OpenAI refuses it where no item says JSON."""
    door.answers(response(MESSAGE))
    await door.respond("gpt", text={"format": {"type": "json_object"}})
    hint, said = door.body["input"]
    assert (hint["role"], said["content"]) == ("system", "Hello.")
    assert door.body["text"] == {"format": {"type": "json_object"}}


async def test_the_answer_comes_as_it_is(door):
    """With our id, the model's name, the caller's own words, and usage as it is billed."""
    came = response(SEALED, MESSAGE, {"type": "local_shell_call", "id": "ls_1"}, novel={"a": 1}, service_tier="default")
    door.answers(came)
    answer = await door.respond("gpt", prompt_cache_key="key", metadata={"k": "v"}, store=True)
    body = answer.json()
    hexed = answer.headers["x-gateway-request-id"].removeprefix("req_")
    ours = {"id": f"resp_{hexed}", "model": "gpt", "metadata": {"k": "v"}, "prompt_cache_key": "key"}
    usage = body.pop("usage")
    callers = {"safety_identifier": None, "user": None, "max_output_tokens": None}
    assert body == {name: value for name, value in {**came, **ours, **callers}.items() if name != "usage"}
    assert (usage["input_tokens"], usage["output_tokens_details"], usage["novel"]) == (11, {"reasoning_tokens": 0}, 1)
    assert answer.headers["x-gateway-dropped"] == "store"
    assert answer.headers["x-gateway-cost-usd"] == "0.000017"


async def test_events_come_as_they_are(door):
    """Numbered anew, under our names; the end has the cost."""
    events = streamed(MESSAGE)
    door.streams(sse(*events))
    heard = await door.response_events("gpt")
    assert [one["type"] for one in heard] == [one["type"] for one in events]
    assert {one["response"]["model"] for one in heard if "response" in one} == {"gpt"}
    assert len({one["response"]["id"] for one in heard if "response" in one}) == 1
    assert heard[4]["delta"] == "Hi."
    last = heard[-1]["response"]
    assert (last["output"], last["usage"]["cost_usd"], last["usage"]["novel"]) == ([MESSAGE], "0.000017", 1)


async def test_a_server_that_ends_without_its_output_gives_it_all_the_same(door):
    """SDKs read it from the last event; one that sends nothing but that has its beginning made up."""
    door.streams(sse(*streamed()))
    assert (await door.response_events("gpt"))[-1]["response"]["output"] == [MESSAGE]
    door.streams(sse({"type": "response.completed", "response": response(MESSAGE)}))
    first, last = await door.response_events("gpt")
    assert (first["type"], first["response"]["output"]) == ("response.created", [])
    assert last["response"]["output"] == [MESSAGE]


async def test_nobody_hears_of_who_failed_before_the_first_content(door):
    """Events are held back until there is content; the next candidate has its own."""
    door.streams(sse(*streamed()[:4], {"type": "error", "code": "server_error", "message": "secret"}))
    said = {"role": "assistant", "content": "Hello."}
    choice = {"index": 0, "delta": said, "finish_reason": "stop"}
    door.streams(sse({"id": "x", "choices": [choice]}), b"data: [DONE]\n\n")
    heard = await door.response_events("openai")
    assert [one["type"] for one in heard].count("response.created") == 1
    assert heard[-1]["response"]["model"] == "deep"
    assert heard[-1]["response"]["output"][0]["content"][0]["text"] == "Hello."


@pytest.mark.parametrize(
    "broken",
    [
        (sse(*streamed()[:6]),),
        (sse(*streamed()[:6]), ConnectionResetError()),
        (sse(*streamed()[:6], {"type": "error", "code": "server_error", "message": "secret"}),),
        (sse(*streamed()[:6], *streamed(end="failed", error={"code": "server_error", "message": "secret"})[-1:]),),
    ],
    ids=["cut", "reset", "error", "failed"],
)
async def test_a_stream_that_breaks_ends_like_one(door, broken):
    """What was said, then `response.failed` and `error`, in our words: never completed, never incomplete."""
    door.streams(*broken)
    heard = await door.response_events("gpt")
    *_, failed, error = heard
    assert [failed["type"], error["type"]] == ["response.failed", "error"]
    assert not {"response.completed", "response.incomplete"} & {one["type"] for one in heard}
    assert (failed["response"]["status"], failed["response"]["error"]["code"]) == ("failed", "server_error")
    assert (error["code"], error["error"]["code"]) == ("provider_error", "provider_error")
    assert failed["response"]["usage"]["output_tokens"] > 0
    assert failed["response"]["output"][0]["content"] == [PART]
    assert "secret" not in json.dumps(heard)


@pytest.mark.parametrize("reason", ["max_output_tokens", "content_filter"])
async def test_what_is_incomplete_says_so(door, reason):
    """By its limit, or by the provider's filter once something was said."""
    details = {"reason": reason}
    door.streams(sse(*streamed(MESSAGE, end="incomplete", incomplete_details=details)))
    last = (await door.response_events("gpt"))[-1]
    assert (last["type"], last["response"]["incomplete_details"]) == ("response.incomplete", details)
    (said,) = last["response"]["output"]
    assert (last["response"]["status"], said["content"]) == ("incomplete", [PART])


async def test_rules_of_models_count(door):
    """What a model does not take is left out and named by the caller's word for it."""
    door.answers(response(MESSAGE))
    options = {"temperature": 0.5, "top_logprobs": 2, "max_output_tokens": 1}
    answer = await door.respond("strict", reasoning={"effort": "xhigh"}, **options)
    assert answer.status_code == 200, answer.text
    assert door.body["max_output_tokens"] == 16
    assert door.body["reasoning"] == {"effort": "high"}
    assert not {"temperature", "top_logprobs"} & door.body.keys()
    assert answer.headers["x-gateway-dropped"] == "max_output_tokens, reasoning.effort, temperature, top_logprobs"
    assert door.body["include"] == ["reasoning.encrypted_content"]


async def test_a_model_that_never_thinks_is_told_nothing_of_it(door):
    """Codex says it to all; OpenAI refuses it of these."""
    door.answers(response(MESSAGE))
    include = ["reasoning.encrypted_content", "message.output_text.logprobs"]
    answer = await door.respond("plain", reasoning={"effort": "low", "summary": "auto"}, include=include)
    assert answer.status_code == 200, answer.text
    assert ("reasoning" in door.body, door.body["include"]) == (False, include[1:])
    assert answer.headers["x-gateway-dropped"] == "reasoning.effort"
    door.answers(response(MESSAGE))
    await door.respond("plain", include=include[:1])
    assert "include" not in door.body
