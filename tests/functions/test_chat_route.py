"""POST /v1/chat/completions: OpenAI's answers, OpenAI's fields, and OpenAI's client."""

import hashlib

import httpx
import openai
import pytest

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from tests.functions.completions import CHAT, HELLO, events


async def test_openais_stream(client):
    """Role first, text, finish reason, usage if asked for, `[DONE]`."""
    body = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
    answer = await client.post("/v1/chat/completions", json=body)
    found = [data for _name, data in events(answer)]
    deltas = [data["choices"][0]["delta"] for data in found[:-2]]
    assert deltas == [{"role": "assistant", "content": "one "}, {"content": "two "}, {"content": "three"}, {}]
    assert found[-3]["choices"][0]["finish_reason"] == "stop"
    assert found[-2]["choices"] == []
    assert (found[-2]["usage"]["total_tokens"], found[-2]["usage"]["cost_usd"]) == (6, "0.000009")
    assert found[-1] == "[DONE]"
    assert {data["model"] for data in found[:-1]} == {"first"}


async def test_an_empty_answer_has_a_role(client, world):
    """SDKs take the role of the message that they put together from a chunk, and from nowhere else."""
    world.behave["first"] = lambda call: ProviderAnswer("", (), "stop", Usage(3, 0))
    answer = await client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    choices = [data["choices"][0] for _name, data in events(answer)[:-1]]
    assert [(choice["delta"], choice["finish_reason"]) for choice in choices] == [
        ({"role": "assistant", "content": ""}, None),
        ({}, "stop"),
    ]


async def test_openais_whole_answer(client):
    """With our headers."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, "max_completion_tokens": 50})
    body = answer.json()
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "one two three"
    assert body["usage"]["prompt_tokens"] == 3
    assert answer.headers["x-gateway-cost-usd"] == "0.000009"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"n": 0}, "n"),
        ({"logit_bias": {"50256": 101}}, "logit_bias.50256"),
        ({"top_k_": 1}, "top_k_"),
        ({"max_tokens": 1, "max_completion_tokens": 1}, "max_completion_tokens"),
        ({"metadata": {"project_id": "Not A Project"}}, "project_id"),
        ({"stream_options": {"x": 1}}, "stream_options.x"),
    ],
)
async def test_fields_of_openais_wire(client, change, param):
    """What is not documented, or not in its form, is refused by name."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, **change})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)


async def test_search_by_providers_is_not_offered(client):
    """It has no bound: 400, and what to do instead; null says nothing."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, "web_search_options": {}})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "web_search_options")
    assert "tool of your own" in answer.json()["error"]["message"]
    assert (await client.post("/v1/chat/completions", json={**CHAT, "web_search_options": None})).status_code == 200


@pytest.mark.parametrize(
    ("change", "param", "why"),
    [
        ({"n": 2}, "n", "gives one answer to a request"),
        ({"logprobs": True, "top_logprobs": 2}, "logprobs", "gives no log probabilities"),
        ({"logit_bias": {"50256": -100}}, "logit_bias", "cannot bias single tokens"),
        ({"modalities": ["text", "audio"], "audio": {"voice": "ash", "format": "wav"}}, "modalities", "with sound"),
        ({"functions": [{"name": "f"}]}, "functions", "send tools"),
        ({"tools": [{"type": "custom", "custom": {"name": "f"}}]}, "tools", "has no custom tools"),
    ],
)
async def test_what_nobody_of_those_asked_can_do(client, world, change, param, why):
    """400 that names the field and the reason, as none of them is on OpenAI's wire; nobody is called."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, **change})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", param)
    assert all(f"{name} " in error["message"] for name in ("first", "second", "third"))
    assert why in error["message"]
    assert world.provider.calls == []


async def test_documented_fields_that_say_nothing(client, world):
    """Null, and what is the default: whoever is asked can do that."""
    names = (
        "audio",
        "frequency_penalty",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "metadata",
        "modalities",
        "moderation",
        "n",
        "parallel_tool_calls",
        "prediction",
        "prompt_cache_options",
        "prompt_cache_retention",
        "response_format",
        "safety_identifier",
        "service_tier",
        "stop",
        "store",
        "stream",
        "stream_options",
        "tool_choice",
        "tools",
        "top_logprobs",
        "user",
        "verbosity",
        "web_search_options",
    )
    nulls = await client.post("/v1/chat/completions", json={**CHAT, **dict.fromkeys(names)})
    assert nulls.status_code == 200, nulls.text
    assert world.provider.calls[-1].params == {}
    plain = {"n": 1, "logprobs": False, "logit_bias": {}, "modalities": ["text"], "store": False}
    answer = await client.post("/v1/chat/completions", json={**CHAT, **plain})
    assert answer.status_code == 200, answer.text


async def test_a_member_that_comes_twice(client, world):
    """400 that names it: what we read must be what a provider reads."""
    for body in (
        '{"model": "first", "model": "second", "messages": []}',
        '{"model": "first", "messages": [{"role": "user", "content": "a", "model": 1, "model": 2}]}',
    ):
        answer = await client.post("/v1/chat/completions", content=body)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["param"]) == (400, "invalid_request", "body")
        assert "'model' twice" in error["message"]
    assert world.provider.calls == []


@pytest.mark.parametrize("user", ["a" * 129, "a" * 5000, "line\nbreak", "del\x7f"])
async def test_a_user_that_is_no_name_counts_under_its_digest(client, world, user):
    """OpenAI sets no limits; one and the same stays one and the same."""
    digest = f"u-{hashlib.sha256(user.encode()).hexdigest()[:32]}"
    for path, body in (("/v1/chat/completions", CHAT), ("/v1/chat/completions", {**CHAT, "stream": True})):
        assert (await client.post(path, json={**body, "user": user})).status_code == 200
    assert {record.user_id for record in await world.records()} == {digest}


@pytest.mark.parametrize(
    ("user", "counted"), [("a" * 128, "a" * 128), ("", ""), (None, ""), ("\N{OTTER}", "\N{OTTER}")]
)
async def test_a_user_counts_under_its_name(client, world, user, counted):
    """The longest name that there is here is one."""
    assert (await client.post("/v1/chat/completions", json={**CHAT, "user": user})).status_code == 200
    assert [record.user_id for record in await world.records()] == [counted]


async def test_metadata_has_names_alone(client):
    """They are the gateway's own fields: one that is no name is refused."""
    answer = await client.post("/v1/chat/completions", json={**CHAT, "metadata": {"user_id": "a" * 129}})
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, "user_id")


async def test_metadata_and_headers_say_whom_it_counts_for(client, world):
    """Each names what the others leave out; what two of them name they name alike."""
    metadata = {"agent_id": "bot", "topic": "else"}
    headers = {"x-agent-id": "bot", "x-project-id": "alpha"}
    body = {**CHAT, "metadata": metadata, "user": "ada"}
    assert (await client.post("/v1/chat/completions", json=body, headers=headers)).status_code == 200
    (record,) = await world.records()
    assert (record.agent_id, record.user_id) == ("bot", "ada")
    foreign = await client.post("/v1/chat/completions", json=CHAT, headers={"x-project-id": "beta"})
    assert foreign.status_code == 403


async def test_the_openai_sdk_works_unchanged(client, world):
    """Base URL and key, nothing else: whole, streamed, with tools, embeddings apart."""
    key = client.headers["authorization"].removeprefix("Bearer ")
    http = httpx.AsyncClient(transport=client._transport)
    sdk = openai.AsyncOpenAI(base_url="http://gateway/v1", api_key=key, http_client=http, max_retries=0)
    whole = await sdk.chat.completions.create(model="reasoning", messages=HELLO["messages"])
    assert whole.choices[0].message.content == "one two three"
    calls = (ToolCall("c1", "f", '{"a": 1}'),)
    world.behave["first"] = lambda call: ProviderAnswer("", calls, "tool_calls", Usage(1, 1))
    stream = await sdk.chat.completions.create(
        model="first", messages=HELLO["messages"], stream=True, stream_options={"include_usage": True}
    )
    seen = [chunk async for chunk in stream]
    assert seen[0].choices[0].delta.tool_calls[0].function.name == "f"
    assert seen[-2].choices[0].finish_reason == "tool_calls"
    assert seen[-1].usage.total_tokens == 2
    assert [model.id async for model in sdk.models.list()] == ["first", "second", "third", "reasoning"]
    assert (await sdk.models.retrieve("reasoning")).owned_by == "gateway"
    with pytest.raises(openai.NotFoundError, match="/v1/chat/completions"):
        await sdk.completions.create(model="first", prompt="hello")
    with pytest.raises(openai.NotFoundError):
        await sdk.chat.completions.create(model="nope", messages=HELLO["messages"])
