"""What a stream costs the process that it runs in, and what it leaves behind."""

from __future__ import annotations

import asyncio
import copy
import gc
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from gateway_core.adapters.models import model_provider
from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.adapters.upstream.transport import OnceTransport, TransportError
from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Deployment, ProviderCall
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.provider_errors import BadCredentials, DeploymentUnusable, ProviderTimeout
from gateway_core.wires.openai_chat import OPENAI_CHAT
from tests.attempts import attempt_stream
from tests.contract.leaks import all_loggers
from tests.contract.litellm_paths import EACH, EACH_NAME, NAMES, PATHS, PROMPT, Path, provider_at
from tests.contract.streaming import (
    ANTHROPIC,
    DEEPSEEK,
    OPENAI,
    RESPONSES,
    Heard,
    Scripted,
    Unreachable,
    ended,
    error_of,
    hear_from,
    hear_scripted,
    said,
    sse,
    tool,
)
from tests.loop_time import ends_after, loop_time
from tests.manual_clock import ManualClock
from tests.patience import patience

every_path = pytest.mark.parametrize("path", EACH, ids=EACH_NAME)
LONG = 2000


def a_book(path: Path) -> Iterator[bytes]:
    """A stream of thousands of chunks, made while it is read."""
    yield sse(*said(path, "word ")[:-1])
    for number in range(LONG):
        yield sse(said(path, f"word {number} ")[-1])
    yield sse(*ended(path))


def a_train_of_thought(_path: Path) -> Iterator[bytes]:
    """As long, and all of it thinking."""
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}}
    yield sse(said(ANTHROPIC)[0], block)
    for number in range(LONG):
        thought = {"type": "thinking_delta", "thinking": f"thought {number} "}
        yield sse({"type": "content_block_delta", "index": 0, "delta": thought})
    yield sse(*ended(ANTHROPIC))


def a_long_call(_path: Path) -> Iterator[bytes]:
    """As long, and all of it the arguments of one tool call."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    yield sse(said(ANTHROPIC)[0], {"type": "content_block_start", "index": 0, "content_block": block})
    for number in range(LONG):
        piece = {"type": "input_json_delta", "partial_json": f'"{number}",'}
        yield sse({"type": "content_block_delta", "index": 0, "delta": piece})
    yield sse(*ended(ANTHROPIC))


def blocks() -> int:
    """Memory blocks in use, garbage aside."""
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.parametrize(
    ("path", "book"),
    [*((path, a_book) for path in PATHS), (ANTHROPIC, a_train_of_thought), (ANTHROPIC, a_long_call)],
    ids=[*NAMES, "thinking", "call"],
)
async def test_a_long_stream_needs_no_memory(path: Path, book: Any) -> None:
    """Nothing of it is kept: LiteLLM's own wrapper keeps every chunk."""
    provider = provider_at("http://provider.test", connect=lambda: Scripted(lambda: book(path)))
    count, seen = 0, []
    gc.freeze()  # or each collection looks through all of LiteLLM
    async for chunk in provider.stream(path.call("http://provider.test")):
        count += chunk.is_content
        if count in (500, LONG - 500):
            seen.append(blocks())
    gc.unfreeze()
    assert count >= LONG
    assert seen[1] - seen[0] < (LONG - 1000) / 10


@every_path
async def test_a_stream_may_be_longer_than_an_answer(path: Path) -> None:
    """But not without end."""
    whole = len(sse(*said(path, *["word "] * 50), *ended(path)))
    network = Scripted(lambda: [sse(event) for event in (*said(path, *["word "] * 50), *ended(path))])
    for limit, fits in ((whole // 4, True), (whole // 16, False)):
        provider = provider_at("http://provider.test", connect=lambda: network, max_response_bytes=limit)
        heard = Heard()
        listening = heard.listen(provider.stream(path.call("http://provider.test")))
        if fits:
            assert (await listening).text == "word " * 50
        else:
            error = await error_of(listening)
            assert (type(error), heard.open, "fault=too_large" in error.detail) == (DeploymentUnusable, True, True)


def going_on() -> set[threading.Thread]:
    """The threads that there are, once those have ended that bring an engine."""
    for thread in threading.enumerate():
        if thread.name == "engine":
            thread.join(patience(10))
    return set(threading.enumerate())


@every_path
async def test_nothing_runs_on_after_a_stream(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole, broken or closed: no task, no thread."""
    # The loop's own pool adds a thread when none of its is idle yet: with one it is full.
    monkeypatch.setattr(asyncio.get_running_loop(), "_default_executor", ThreadPoolExecutor(1))
    await hear_scripted(path, *said(path, "Hello."), *ended(path))  # what is made once is made
    await asyncio.sleep(0)
    tasks, threads = asyncio.all_tasks(), going_on()
    await hear_scripted(path, *said(path, "Hello."), *ended(path))
    await error_of(hear_scripted(path, *said(path, "Hello.")))
    provider = provider_at("http://provider.test", connect=lambda: Scripted(lambda: [sse(*said(path, "a", "b"))]))
    stream = provider.stream(path.call("http://provider.test"))
    await anext(stream)
    await stream.aclose()
    del stream
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks
    assert going_on() == threads


async def test_the_deadline_does_not_strike_the_listener() -> None:
    """It counts while the caller takes its time, and is told with the next wish for a chunk."""
    events = [sse(*said(OPENAI, "Hello.")), sse(*ended(OPENAI))]
    provider = provider_at("http://provider.test", connect=lambda: Scripted(lambda: events))
    with loop_time() as time:
        stream = provider.stream(OPENAI.call("http://provider.test", timeout_s=0.5))
        assert (await anext(stream)).text == "Hello."
        await time.passes(0.55)
        assert type(await error_of(anext(stream))) is ProviderTimeout


@every_path
async def test_what_was_not_sent_before_the_first_content_was_due_costs_nothing(path: Path) -> None:
    """The provider cannot bill it, so neither is it charged by an estimate, nor does its bound stay held."""
    network = Unreachable()
    provider = provider_at("http://provider.test", connect=lambda: network)
    call = replace(path.call("http://provider.test", timeout_s=10), first_s=0.2)
    opening = attempt_stream(provider.stream(call), first_s=0.2, stall_s=10)
    error = await ends_after(0.2, error_of(opening.begin()), network.asked.wait())
    assert (type(error), error.unconfirmed, error.estimated, error.usage) == (ProviderTimeout, False, False, None)


async def test_without_an_answer_there_is_nothing_to_read() -> None:
    """An answer that LiteLLM has from elsewhere is none."""
    seen = ProviderExchange(OPENAI_CHAT, ("http", "provider.test", 80), 100)
    transport = OnceTransport(Scripted(list), seen)
    with pytest.raises(TransportError, match="no answer"):
        await transport.read()
    await transport.release()
    assert seen.requests == 0


@every_path
async def test_streams_say_nothing_in_the_logs(path: Path) -> None:
    """Neither prompt nor completion nor key, at DEBUG; not even of a stream that breaks."""
    secret = "Under the quay at Kyleakin"
    with all_loggers() as logged:
        await hear_scripted(path, *said(path, secret), *ended(path))
        error = await error_of(hear_scripted(path, *said(path, secret), b"data: {" + secret.encode() + b"\n\n"))
    told = "\n".join([*logged.lines, error.message, error.detail, repr(error)])
    for hidden in (PROMPT, secret, path.key):
        assert hidden not in told


@every_path
async def test_tools_need_no_mcp_package(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM imports its MCP gateway, and with it `mcp`, on its own way to stream."""
    for name in list(sys.modules):
        if name.partition(".")[0] in ("mcp", "mcp_types") or name.startswith("litellm.responses.mcp"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)  # type: ignore[arg-type]  # the way to make an import fail
    heard = await hear_scripted(path, *said(path, "Hello."), *ended(path), tools=[tool("f")], tool_choice="auto")
    assert heard.text == "Hello."


@every_path
async def test_the_call_is_left_as_it_was(path: Path) -> None:
    """A fallback gets the originals."""
    call = path.call("http://provider.test", tools=[tool("f")], stop=["END"])
    before = copy.deepcopy((call.messages, call.params))
    network = Scripted(lambda: [sse(*said(path, "Hello."), *ended(path))])
    provider = provider_at("http://provider.test", connect=lambda: network)
    await Heard().listen(provider.stream(call))
    assert (call.messages, call.params) == before


@every_path
async def test_a_stream_that_is_not_listened_to_is_not_asked_for(path: Path) -> None:
    """The request leaves with the first wish for a chunk."""
    network = Scripted(lambda: [sse(*said(path, "Hello."), *ended(path))])
    provider = provider_at("http://provider.test", connect=lambda: network)
    stream = provider.stream(path.call("http://provider.test"))
    await stream.aclose()
    assert network.requests == []


async def test_a_provider_without_credentials_is_an_error_of_the_stream() -> None:
    """Raised where the others are."""
    call = PATHS[0].call("http://provider.test")
    stream = provider_at("http://provider.test").stream(
        replace(call, deployment=replace(call.deployment, provider="mistral"))
    )
    with pytest.raises(BadCredentials):
        await anext(stream)


@pytest.mark.parametrize("path", [path for path in PATHS if path != RESPONSES], ids=lambda path: path.provider)
async def test_a_request_that_cannot_be_put_into_words_is_not_sent(path: Path) -> None:
    """As for whole answers: the same error, and nothing to bill."""
    network = Scripted(list)
    provider = provider_at("http://provider.test", connect=lambda: network)
    call = replace(path.call("http://provider.test"), messages=({"role": "user", "content": object()},))
    error = await error_of(Heard().listen(provider.stream(call)))
    assert (network.requests, error.unconfirmed, error.effect) == ([], False, "skip")


@every_path
async def test_only_the_gateways_transport_sends(path: Path) -> None:
    """Once, to the provider's own address."""
    network = Scripted(lambda: [sse(*said(path, "Hello."), *ended(path))])
    await hear_from(network, path)
    (request,) = network.requests
    assert (request.method, request.url.host) == ("POST", "provider.test")
    assert request.headers["accept-encoding"] == "identity"


async def test_dialects_of_openais_wire_are_translated() -> None:
    """Mistral sends lists of parts, which LiteLLM knows and the wire does not."""
    base = "http://mistral.test/v1"
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Yes."}]
    events = [{"choices": [{"index": 0, "delta": {"content": parts}}]}, *ended(DEEPSEEK)]
    provider = model_provider(
        {"mistral": Credential(Secret("sk-0123456789"), base)},
        ManualClock(),
        connect=lambda: Scripted(lambda: [sse(*events)]),
    )
    call = ProviderCall(
        Deployment("mistral", "magistral-medium-latest", base), PATHS[0].call("").messages, {}, 64, 5, "r"
    )
    heard = await Heard().listen(provider.stream(call))
    assert (heard.reasoning, heard.text, heard.end) == ("Hm.", "Yes.", ("stop", Usage(11, 3)))
