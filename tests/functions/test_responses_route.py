"""POST /v1/responses on models that speak another wire: what they are told, and what the caller gets."""

from tests.functions.upstream import DONE, piece, sse, usage_event, whole

CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}
SPACE = {
    "type": "namespace",
    "name": "mcp__gw",
    "description": "Ours.",
    "tools": [{"type": "function", "name": "list_models", "parameters": {"type": "object"}}],
}
SEARCH = {"type": "web_search", "external_web_access": False}
F = {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False}


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
