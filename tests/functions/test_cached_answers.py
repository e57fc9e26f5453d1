"""`cache: true` on the routes: what a hit looks like on each wire, and what it needs."""

import json

import pytest

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import StoreUnavailable
from gateway_core.store.virtual_keys import digest_of

MESSAGES = [{"role": "user", "content": "one two three"}]
OURS = {"messages": MESSAGES, "cache": True}
OPENAIS = {"messages": MESSAGES, "model": "first", "cache": True}
ROUTES = [
    ("/v1/complete", OURS),
    ("/v1/stream", OURS),
    ("/v1/chat/completions", OPENAIS),
    ("/v1/chat/completions", {**OPENAIS, "stream": True}),
]


async def twice(client, path, body):
    """The answers to two equal requests."""
    first = await client.post(path, json=body)
    second = await client.post(path, json=body)
    assert (first.status_code, second.status_code) == (200, 200), second.text
    assert "x-gateway-cached" not in first.headers
    return first, second


def events(answer):
    """The data of each event with its name."""
    blocks = [block.splitlines() for block in answer.text.split("\n\n") if block]
    return [(block[0].removeprefix("event: "), json.loads(block[-1].removeprefix("data: "))) for block in blocks]


async def test_a_whole_answer_that_was_kept(client, world):
    """The same answer with a cost of 0, what it saved, and no attempts."""
    first, second = await twice(client, "/v1/complete", OURS)
    body = second.json()
    assert "saved_usd" not in first.json()
    assert (body["cached"], body["saved_usd"]) == (True, "0.000009")
    assert body["content"] == first.json()["content"]
    assert body["cost"] == {
        "input_usd": "0",
        "output_usd": "0",
        "total_usd": "0",
        "price_source": "test-prices",
    }
    assert body["usage"]["total_tokens"] == 0
    assert (body["attempts"], body["model"], body["model_group"]) == ([], "first", "reasoning")
    assert second.headers["x-gateway-cached"] == "true"
    assert second.headers["x-gateway-saved-usd"] == "0.000009"
    assert (second.headers["x-gateway-cost-usd"], second.headers["x-gateway-attempts"]) == ("0", "0")
    assert len(world.provider.calls) == 1


async def test_a_stream_that_was_kept(client):
    """Chunks, then `done` with what it saved."""
    first, second = await twice(client, "/v1/stream", OURS)
    *chunks, (name, done) = events(second)
    assert {each for each, _data in chunks} == {"chunk"}
    assert "".join(data["delta"] for _name, data in chunks) == "one two three"
    assert (name, done["cached"], done["saved_usd"], done["cost"]["total_usd"]) == ("done", True, "0.000009", "0")
    assert second.headers["x-gateway-cached"] == "true"
    assert events(first)[-1][1]["content"] == done["content"]


async def test_a_chat_completion_that_was_kept(client):
    """OpenAI's answer as it was, without tokens; the headers tell the rest."""
    first, second = await twice(client, "/v1/chat/completions", OPENAIS)
    assert second.json()["choices"] == first.json()["choices"]
    assert second.json()["usage"]["total_tokens"] == 0
    assert (second.headers["x-gateway-cached"], second.headers["x-gateway-saved-usd"]) == ("true", "0.000009")


async def test_a_streamed_chat_completion_that_was_kept(client):
    """OpenAI's chunks to the end; its usage tells what was saved."""
    body = {**OPENAIS, "stream": True, "stream_options": {"include_usage": True}}
    _first, second = await twice(client, "/v1/chat/completions", body)
    *_chunks, last, end = [line.removeprefix("data: ") for line in second.text.split("\n\n") if line]
    usage = json.loads(last)["usage"]
    assert (usage["cost_usd"], usage["saved_usd"], usage["total_tokens"]) == ("0", "0.000009", 0)
    assert (end, second.headers["x-gateway-cached"]) == ("[DONE]", "true")


async def test_tool_calls_come_out_of_the_cache_on_every_wire(client, world):
    """As they went in."""
    call = ToolCall("call_1", "f", '{"a": 1}')
    world.behave["first"] = lambda _call: ProviderAnswer("", (call,), "tool_calls", Usage(3, 4))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    _first, second = await twice(client, "/v1/complete", {**OURS, "tools": [tool]})
    assert second.json()["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}
    _first, second = await twice(client, "/v1/stream", {**OURS, "tools": [tool], "max_tokens": 9})
    assert events(second)[0][1]["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1}'}


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_without_the_word_nothing_is_kept(client, world, path, body):
    """Opt-in: neither before nor after."""
    plain = {name: value for name, value in body.items() if name != "cache"}
    for _ in range(2):
        assert "x-gateway-cached" not in (await client.post(path, json=plain)).headers
    assert "x-gateway-cached" not in (await client.post(path, json=body)).headers
    assert "x-gateway-cached" not in (await client.post(path, json={**body, "cache": False})).headers
    assert len(world.provider.calls) == 4


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_cache_is_a_boolean(client, path, body):
    """Nothing is guessed."""
    answer = await client.post(path, json={**body, "cache": "yes"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "cache")


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_hit_is_recorded_as_one(client, world, path, body):
    """In its record, in the counters, and in the report."""
    await twice(client, path, body)
    fresh, hit = await world.records()
    assert [(record.cache_hit, record.cost_nano) for record in (fresh, hit)] == [(False, 9000), (True, 0)]
    day = f"{world._day()[:4]}-{world._day()[4:6]}-{world._day()[6:]}"
    report = await client.get("/v1/usage", params={"start_date": day, "end_date": day})
    totals = report.json()["totals"]
    assert (totals["requests"], totals["cache_hits"], totals["cost_usd"]) == (2, 1, "0.000009")


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_hit_needs_no_money(client, world, path, body):
    """Served with an exhausted budget, where a new question is 402."""
    await client.post(path, json=body)
    await world.budget(day_nano=1)
    assert (await client.post(path, json=body)).headers["x-gateway-cached"] == "true"
    assert (await client.post(path, json={**body, "temperature": 0.1})).status_code == 402


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_hit_is_one_of_the_keys_requests_a_minute(client, world, path, body):
    """With its bucket empty it is 429 like any other, and the key's tokens a minute are not touched."""
    key = await world.key(limits=Limits(rpm=2, tpm=100_000))
    headers = {"authorization": f"Bearer {key}"}
    answers = [await client.post(path, json=body, headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[1].headers["x-gateway-cached"] == "true"
    assert answers[2].json()["error"]["code"] == "rate_limited"
    tokens = [place for place in world.store._state.arrivals if place[2] == "tpm"]
    assert len(tokens) == 1


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_a_key_that_was_revoked_meanwhile_is_401(client, world, path, body):
    """At once, though its caller is remembered for half a minute."""
    key = await world.key()
    headers = {"authorization": f"Bearer {key}"}
    await client.post(path, json=body, headers=headers)
    record = await world.store.find_key("alpha", digest_of(key))
    await world.store.revoke_key(record.id, now_ms=world.clock.now_ms())
    assert (await client.post(path, json=body, headers=headers)).status_code == 401


async def test_a_key_without_the_tool_is_refused_a_hit(client, world):
    """The right comes first."""
    await client.post("/v1/complete", json=OURS)
    headers = {"authorization": f"Bearer {await world.key(tools=('embed',))}"}
    assert (await client.post("/v1/complete", json=OURS, headers=headers)).status_code == 403


async def test_another_projects_key_does_not_hit(client, world):
    """The wall between projects."""
    await client.post("/v1/complete", json=OURS)
    headers = {"authorization": f"Bearer {await world.key('beta')}"}
    assert (await client.post("/v1/complete", json=OURS, headers=headers)).json()["cached"] is False


async def test_both_of_our_routes_share_their_answers(client):
    """How an answer is sent says nothing about it."""
    await client.post("/v1/complete", json=OURS)
    assert events(await client.post("/v1/stream", json=OURS))[-1][1]["cached"] is True


@pytest.mark.parametrize(("path", "body"), ROUTES)
async def test_without_the_store_answers_come_from_the_model(client, world, path, body):
    """The cache is a convenience."""
    await client.post(path, json={**body, "cache": False})

    async def away(*_args, **_kwargs):
        raise StoreUnavailable("away")

    world.store.look_up = world.store.keep = away
    for _ in range(2):
        answer = await client.post(path, json=body)
        assert (answer.status_code, "x-gateway-cached" in answer.headers) == (200, False)


async def test_no_prompt_or_answer_of_the_cache_reaches_the_log(client, world):
    """Neither of a hit nor of one that fails."""
    body = {**OURS, "messages": [{"role": "user", "content": "a very private prompt"}]}
    await twice(client, "/v1/complete", body)

    async def away(*_args, **_kwargs):
        raise StoreUnavailable("away")

    world.store.keep = away
    await client.post("/v1/complete", json={**body, "max_tokens": 9})
    assert "cache failed" in world.log.getvalue()
    assert "private" not in world.log.getvalue()
