"""What LiteLLM does wrong when left alone, and what comes of it here: each trap on every path that it concerns."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import socket
import sys
from dataclasses import replace
from typing import Any

import pytest

from gateway_core.domain.provider_errors import (
    BadCredentials,
    DeploymentUnusable,
    ProviderError,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from tests.contract.litellm_paths import NAMES, PATHS, CountingPool, Path, provider_at
from tests.contract.raw_provider import Act, RawProvider, begin_then, hang, reset, respond
from tests.contract.streaming import error_of
from tests.contract.trap_calls import DEADLINE_S, answers, every_path, fails, numbered
from tests.loop_time import ends_after


@every_path
async def test_one_request_to_the_right_place_with_its_own_key(path: Path) -> None:
    """Each base URL is completed as its provider wants it, and only its own key travels, in its own header."""
    async with RawProvider(respond(200, path.good)).serve() as raw:
        answer = await answers(path.call(raw.url), raw)
    assert (answer.content, answer.finish_reason) == ("Hello.", "stop")
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (11, 3)
    (sight,) = raw.seen
    assert sight.path == path.target
    assert sight.headers[path.key_header].removeprefix("Bearer ") == path.key
    assert not [other.key for other in PATHS if other.key != path.key and other.key in str(sight)]


@every_path
async def test_a_reset_after_the_request_is_not_resent(path: Path) -> None:
    """LiteLLM would post again on a new connection, and the provider would bill twice."""
    error, raw = await fails(path, reset)
    assert (len(raw.seen), raw.connections) == (1, 1)
    assert (type(error), error.unconfirmed) == (ProviderUnavailable, True)


@every_path
async def test_a_refused_connection_is_not_tried_again(path: Path) -> None:
    """LiteLLM would; nothing was sent, so nothing can be billed."""
    pool = CountingPool()
    with socket.socket() as sock:  # bound, not listening: connecting is refused, and nobody else gets the port
        sock.bind(("127.0.0.1", 0))
        root = f"http://127.0.0.1:{sock.getsockname()[1]}"
        provider = provider_at(root, connect=lambda: pool)
        with pytest.raises(ProviderUnavailable) as caught:
            await provider.complete(path.call(root))
        await provider.close()
    assert pool.sent == 1
    assert not caught.value.unconfirmed


@every_path
async def test_a_redirect_is_not_followed(path: Path) -> None:
    """LiteLLM would take the key to the other host."""
    async with RawProvider(respond(200, path.good)).serve() as other:
        location = f"location: {other.url.replace('127.0.0.1', 'localhost')}{path.target}"
        error, raw = await fails(path, respond(307, b"", location))
    assert (len(raw.seen), other.connections) == (1, 0)
    assert (type(error), error.unconfirmed) == (DeploymentUnusable, False)
    assert other.url not in error.message + error.detail


@every_path
async def test_a_truncated_answer_is_an_error(path: Path) -> None:
    """The body ends before its announced length: not an answer, and not asked for again."""
    error, raw = await fails(path, begin_then(b'{"id": "half'))
    assert len(raw.seen) == 1
    assert (type(error), error.unconfirmed) == (ProviderUnavailable, True)


@every_path
async def test_a_page_of_html_is_not_an_empty_answer(path: Path) -> None:
    """LiteLLM makes an answer of it on some paths, and blames the caller on others."""
    error, raw = await fails(path, respond(200, b"<html><body>Welcome</body></html>", kind="text/html"))
    assert len(raw.seen) == 1
    assert (type(error), error.unconfirmed) == (ProviderUnavailable, True)


@every_path
async def test_half_of_a_surrogate_pair_becomes_a_question_mark(path: Path) -> None:
    """JSON may hold it, but no client can be sent it: the answer would be lost, and paid for."""
    body = json.loads(json.dumps(path.good).replace("Hello.", "Hel\\ud800lo."))
    async with RawProvider(respond(200, body)).serve() as raw:
        answer = await answers(path.call(raw.url), raw)
    assert answer.content == "Hel?lo."


@every_path
async def test_an_answer_without_usage_counts_as_counted_here(path: Path) -> None:
    """Servers of one's own often tell none: what was sent and what is said is charged."""
    body = {name: value for name, value in path.good.items() if not name.startswith("usage")}
    async with RawProvider(respond(200, body)).serve() as raw:
        answer = await answers(path.call(raw.url), raw)
    assert (answer.content, answer.finish_reason) == ("Hello.", "stop")
    assert answer.usage.input_tokens > 10
    assert answer.usage.output_tokens == 2


@every_path
@pytest.mark.parametrize("act", [hang, begin_then(b'{"id": ', hang_after=True)], ids=["silent", "stalled"])
async def test_the_deadline_is_ours(path: Path, act: Act) -> None:
    """Silence before or within the answer ends at the call's own deadline, on every path."""
    async with RawProvider(act).serve() as raw:
        provider = provider_at(raw.url)
        failing = error_of(provider.complete(path.call(raw.url, timeout_s=DEADLINE_S)))
        error = await ends_after(DEADLINE_S, failing, raw.asked.wait())
        await provider.close()
    assert (type(error), error.unconfirmed, len(raw.seen)) == (ProviderTimeout, True, 1)


@every_path
async def test_a_server_error_is_not_retried(path: Path) -> None:
    """The only retry loop of the program is not in here."""
    error, raw = await fails(path, respond(500, {"error": {"message": "boom"}}))
    assert len(raw.seen) == 1
    assert (type(error), error.unconfirmed) == (ProviderUnavailable, False)


@every_path
async def test_an_answer_longer_than_allowed_is_not_read(path: Path) -> None:
    """Announced or not, it stops at the limit."""
    error, _raw = await fails(path, respond(200, path.good), max_response_bytes=100)
    assert (type(error), error.unconfirmed) == (DeploymentUnusable, True)
    assert "fault=too_large" in error.detail


@every_path
async def test_tools_need_no_mcp_package(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM imports its MCP gateway, and with it `mcp`, for any call with tools and any to Responses."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("mcp", "mcp_types") or name.startswith("litellm.responses.mcp"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)  # type: ignore[arg-type]  # the way to make an import fail
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    async with RawProvider(respond(200, path.good)).serve() as raw:
        answer = await answers(path.call(raw.url, tools=[tool], tool_choice="auto"), raw)
    assert answer.content == "Hello."
    assert '"f"' in raw.seen[0].body.decode()


@every_path
async def test_the_call_is_left_as_it_was(path: Path) -> None:
    """LiteLLM edits messages and tools in place; a fallback must get the originals."""
    async with RawProvider(respond(200, path.good)).serve() as raw:
        tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
        marked = {"type": "text", "text": "Hi.", "cache_control": {"type": "ephemeral"}}
        call = path.call(raw.url, tools=[{**tool, "cache_control": {"type": "ephemeral"}}], stop=["END"])
        call = replace(call, messages=({"role": "system", "content": [marked]}, {"role": "user", "content": [marked]}))
        before = copy.deepcopy((call.messages, call.params))
        await answers(call, raw)
    assert (call.messages, call.params) == before


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
async def test_options_that_litellm_takes_for_orders_do_not_reach_it(path: Path) -> None:
    """They are dropped and named: no other host, no mock, no fallback, no second answer."""
    orders = {
        "api_base": "http://localhost:9",
        "base_url": "http://localhost:9",
        "api_key": "sk-other",
        "extra_headers": {"x-evil": "1"},
        "mock_response": "mocked",
        "fallbacks": ["gpt-4o"],
        "num_retries": 3,
        "n": 2,
        "stream": True,
    }
    async with RawProvider(respond(200, path.good)).serve() as raw:
        answer = await answers(path.call(raw.url, **orders), raw)
    assert answer.content == "Hello."
    assert answer.dropped_params == tuple(sorted(orders))
    assert "evil" not in str(raw.seen[0])


@every_path
async def test_an_image_url_is_never_fetched(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM would download it, even from inside our network. It is passed on to the provider, or refused."""
    async with RawProvider(respond(200, b"png", kind="image/png")).serve() as inside:
        if path.engine == "litellm":  # else it would only be loaded
            monkeypatch.setattr("litellm.user_url_allowed_hosts", [inside.url.removeprefix("http://")])
        part = {"type": "image_url", "image_url": {"url": f"{inside.url}/secret.png"}}
        async with RawProvider(respond(200, path.good)).serve() as raw:
            picture = replace(path.call(raw.url), messages=({"role": "user", "content": [part]},))
            try:
                await answers(picture, raw)
            except ProviderRejected as error:
                assert (error.effect, raw.seen) == ("skip", [])  # noqa: PT017 - both outcomes are right
    assert inside.connections == 0


@every_path
async def test_cache_marks_cause_no_second_request(path: Path) -> None:
    """For Gemini, LiteLLM would create a cached content first, with a request of its own."""
    async with RawProvider(respond(200, path.good)).serve() as raw:
        marked = {"type": "text", "text": "word " * 5000, "cache_control": {"type": "ephemeral"}}
        call = replace(path.call(raw.url), messages=({"role": "user", "content": [marked]},))
        await answers(call, raw)
    assert len(raw.seen) == 1


@every_path
async def test_a_foreign_base_url_gets_no_key(path: Path) -> None:
    """A key belongs to the host it was configured for; another allowed host is called without one."""
    async with RawProvider(respond(200, path.good)).serve() as foreign:
        provider = provider_at("http://127.0.0.1:1")
        answer = await provider.complete(path.call(foreign.url))
        await provider.close()
    assert answer.content == "Hello."
    assert "sk-key-of" not in str(foreign.seen)


@every_path
async def test_keys_in_the_environment_are_not_used(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without credentials of ours there is no call, whatever LiteLLM would find."""
    monkeypatch.setenv(f"{path.provider.upper()}_API_KEY", "sk-from-the-environment")
    async with RawProvider(respond(200, path.good)).serve() as raw:
        provider = provider_at(raw.url).with_credentials({})
        with pytest.raises(BadCredentials) as caught:
            await provider.complete(path.call(raw.url))
        await provider.close()
    assert raw.connections == 0
    assert "environment" not in caught.value.message + caught.value.detail


async def test_responses_are_not_stored_at_the_provider() -> None:
    """OpenAI keeps Responses by default, chat completions not; a gateway keeps nothing anywhere."""
    path = PATHS[2]
    async with RawProvider(respond(200, path.good)).serve() as raw:
        await answers(path.call(raw.url), raw)
    assert raw.seen[0].json["store"] is False


@every_path
async def test_a_message_that_cannot_be_translated_is_no_failure_of_the_provider(path: Path) -> None:
    """A caller cannot open a breaker with nonsense: either it is refused unsent, or the provider decides."""
    async with RawProvider(respond(200, path.good)).serve() as raw:
        odd: list[dict[str, Any]] = [{"role": "wizard", "content": {"x": 1}}, {"role": "tool", "content": [{"a": 1}]}]
        for message in odd:
            try:
                await answers(replace(path.call(raw.url), messages=(message,)), raw)
            except ProviderError as error:
                assert error.effect == "skip"  # noqa: PT017 - an answer is right as well


async def test_parallel_calls_keep_their_exchanges_apart() -> None:
    """Forty calls at once, over all paths: each has its own answer, usage and error."""
    provider = provider_at("http://127.0.0.1:1")
    async with contextlib.AsyncExitStack() as stack:
        raws = [await stack.enter_async_context(RawProvider(numbered(path)).serve()) for path in PATHS]

        async def one(number: int) -> str:
            call = PATHS[number % 5].call(raws[number % 5].url)
            message = {"role": "user", "content": f"This is number {number}!"}
            try:
                answer = await provider.complete(replace(call, messages=(message,)))
            except RateLimitError:
                return "limited"
            return f"{answer.content} {answer.usage.input_tokens}"

        told = await asyncio.gather(*(one(number) for number in range(40)))
    await provider.close()
    assert told == ["limited" if n % 5 == 4 else f"Hello {n}. {1000 + n}" for n in range(40)]
    assert [len(raw.seen) for raw in raws] == [8] * 5


def test_each_event_loop_has_its_own_connections() -> None:
    """A provider made once serves one loop after the other."""

    async def once() -> str:
        async with RawProvider(respond(200, PATHS[0].good)).serve() as raw:
            answer = await provider.complete(PATHS[0].call(raw.url))
            await provider.close()
            await provider.close()  # there is nothing left to close
        return answer.content

    provider = provider_at("http://127.0.0.1:1")
    for _ in range(2):
        with asyncio.Runner() as runner:
            assert runner.run(once()) == "Hello."
