"""The simulator's own count: exact, under concurrency too, and free of credentials."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from local.providers import create_app
from tests.patience import patience

BURST = 40
MODELS = {
    "anthropic": "claude-opus-4-5",
    "deepseek": "deepseek-chat",
    "gemini": "gemini-2.5-pro",
    "openai": "gpt-5.1",
}
EMPTY = {
    "calls": 0,
    "ok": 0,
    "errors": 0,
    "unfinished": 0,
    "disconnects": 0,
    "input_tokens": 0,
    "output_tokens": 0,
    "cached_tokens": 0,
    "cache_write_tokens": 0,
    "reasoning_tokens": 0,
    "unfinished_input_tokens": 0,
    "unfinished_output_tokens": 0,
}


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_counted(sim, provider, stream):
    """Tokens of a good answer, by provider and model, as they were reported to the client."""
    sim.control.answer(provider, words=7, reasoning=2, cached=4, cache_write=1)
    assert sim.chat(provider, "hello world", stream=stream).status_code == 200
    calls = sim.control.calls(wait_idle_s=0)
    assert calls["providers"] == {provider: {MODELS[provider]: calls["totals"]}}
    assert calls["totals"] == EMPTY | {
        "calls": 1,
        "ok": 1,
        "input_tokens": 5,
        "output_tokens": 9,
        "cached_tokens": 4,
        "cache_write_tokens": 1,
        "reasoning_tokens": 2,
    }


def test_errors_are_counted_apart(sim):
    """Refused requests and failing providers have no tokens; a model is named where the request named one."""
    sim.control.fault("openai", "server_error", times=1)
    sim.chat("openai")
    sim.post("openai", "/chat/completions", {"model": "gpt-5.1", "messages": []})
    sim.post("openai", "/chat/completions", {"messages": []})
    calls = sim.control.calls()
    assert calls["providers"]["openai"]["gpt-5.1"] == EMPTY | {"calls": 2, "errors": 2}
    assert calls["providers"]["openai"][""] == EMPTY | {"calls": 1, "errors": 1}
    assert [request["status"] for request in calls["requests"]] == [500, 400, 400]
    assert calls["requests"][0]["fault"] == "server_error"


async def test_the_count_is_exact_under_concurrency(sim):
    """A burst over all providers, streams and whole answers mixed, adds up to the token."""
    async with httpx.AsyncClient(timeout=patience(30)) as client:

        async def one(number):
            provider = list(MODELS)[number % 4]
            path, body = sim.request(provider, f"[[words={number}]]", stream=number % 3 == 0)
            headers = {"x-api-key": "k", "anthropic-version": "1", "authorization": "Bearer k", "x-goog-api-key": "k"}
            return await client.post(sim.base(provider) + path, json=body, headers=headers)

        answers = await asyncio.gather(*(one(number) for number in range(BURST)))
    assert {answer.status_code for answer in answers} == {200}
    calls = sim.control.calls(wait_idle_s=0)
    assert (calls["totals"]["calls"], calls["totals"]["ok"], calls["in_flight"]) == (BURST, BURST, 0)
    assert calls["totals"]["output_tokens"] == sum(range(BURST))
    for index, (provider, model) in enumerate(MODELS.items()):
        counts = calls["providers"][provider][model]
        assert counts["output_tokens"] == sum(range(index, BURST, 4))


def test_requests_are_logged_without_credentials(sim):
    """Method, path, body and headers are kept; of a key only that it was there, and a digest to compare."""
    sim.post("openai", "/chat/completions", {"model": "gpt-5.1", "messages": []}, authorization="Bearer sk-secret")
    sim.post("anthropic", "/v1/messages", {}, **{"x-api-key": "sk-secret"})
    sim.http.post(sim.base("gemini") + "/models/gemini-2.5-pro:generateContent", params={"key": "sk-secret"}, json={})
    calls = sim.control.calls()
    assert "sk-secret" not in str(calls)
    digest = {"present": True, "sha256": hashlib.sha256(b"sk-secret").hexdigest()[:12]}
    first, second, third = calls["requests"]
    assert first["headers"]["authorization"] == second["headers"]["x-api-key"] == third["query"]["key"] == digest
    assert (first["method"], first["path"], first["endpoint"]) == ("POST", "/openai/v1/chat/completions", "chat")
    assert first["body"] == {"model": "gpt-5.1", "messages": []}


def test_huge_bodies_are_not_kept(sim):
    """The log says how much it left out."""
    sim.chat("openai", "x" * 300_000)
    assert sim.control.calls()["requests"][-1]["body"]["omitted_bytes"] > 300_000


@contextlib.contextmanager
def hanging_call(sim):
    """A request that waits for an answer that never comes, known to have arrived."""
    sim.control.fault("openai", "timeout")
    address = urlsplit(sim.root)
    body = b'{"model":"gpt-5.1","messages":[{"role":"user","content":"hi"}]}'
    head = "POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer k\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=patience(10)) as connection:
        connection.sendall(head.encode() + body)
        while not sim.control.calls(wait_idle_s=0)["in_flight"]:
            pass
        yield


def test_a_reset_forgets_what_is_under_way(sim):
    """A call that began before DELETE /__calls is not counted when it ends after it."""
    with hanging_call(sim):
        sim.control.reset()
    calls = sim.control.calls()
    assert (calls["totals"], calls["providers"], calls["in_flight"]) == (EMPTY, {}, 0)


def test_waiting_for_idleness_ends(sim):
    """A count is given after the wait, though a call still hangs; its request is logged as pending."""
    with hanging_call(sim):
        calls = sim.control.calls(wait_idle_s=0.01)
        assert (calls["in_flight"], calls["totals"]["calls"], calls["requests"][0]["outcome"]) == (1, 1, "pending")


def test_an_unknown_model_has_no_counts(sim):
    """counts() is empty for what was never called."""
    assert sim.control.counts("openai", "gpt-4o") == {}


def test_other_operations_are_counted_too(sim):
    """Embeddings count their input; a list of models is no call of one, and only logged."""
    sim.post("openai", "/embeddings", {"model": "text-embedding-3-large", "input": ["a b", "c"]})
    sim.http.get(sim.base("openai") + "/models", headers={"authorization": "Bearer k"})
    calls = sim.control.calls()
    assert set(calls["providers"]["openai"]) == {"text-embedding-3-large"}
    assert calls["providers"]["openai"]["text-embedding-3-large"]["input_tokens"] == 3
    assert calls["totals"]["calls"] == 1
    listing = calls["requests"][-1]
    assert (listing["endpoint"], listing["outcome"], listing["status"]) == ("models", "ok", 200)


async def test_only_the_last_requests_are_remembered():
    """As many as the simulator was told to; the counts go on."""
    app = create_app(log_size=2)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sim") as http:
        for number in range(3):
            body = {"model": "gpt-5.1", "messages": [{"role": "user", "content": str(number)}]}
            await http.post("/openai/v1/chat/completions", json=body, headers={"authorization": "Bearer sk-test"})
        calls = (await http.get("/__calls")).json()
    assert [call["body"]["messages"][0]["content"] for call in calls["requests"]] == ["1", "2"]
    assert calls["totals"]["calls"] == 3


@pytest.mark.parametrize("provider", MODELS)
@pytest.mark.parametrize("stream", [False, True])
def test_a_tokeniser_of_its_own(sim, provider, stream):
    """So many tokens of each, rounded up, in what is reported and what is counted."""
    sim.control.answer(provider, words=7, reasoning=2, count_factor=1.5)
    assert sim.chat(provider, "hello world", stream=stream).status_code == 200
    calls = sim.control.calls(wait_idle_s=0)
    assert calls["totals"]["input_tokens"] == 8  # five
    assert calls["totals"]["output_tokens"] == 14  # nine
    assert [call["generated_tokens"] for call in calls["requests"]] == [14]
