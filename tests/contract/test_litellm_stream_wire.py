"""Partial and odd events, as providers and the proxies before them send them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from gateway_core.domain import Chunk, ToolCall, ToolCallDelta, Usage
from gateway_core.errors import ContentFilterError, ProviderError, ProviderUnavailable, RateLimitError
from tests.contract.litellm_paths import NAMES, PATHS, Path, provider_at
from tests.contract.raw_provider import Act, RawProvider, Sight, hang, head
from tests.contract.streaming import (
    ANTHROPIC,
    DEEPSEEK,
    DONE,
    GEMINI,
    OPENAI,
    RESPONSES,
    Heard,
    Scripted,
    ended,
    error_of,
    hear_from,
    hear_scripted,
    said,
    sse,
)

every_path = pytest.mark.parametrize("path", PATHS, ids=NAMES)
openai_wire = pytest.mark.parametrize("path", [OPENAI, DEEPSEEK], ids=["openai", "deepseek"])
END = ("stop", Usage(11, 3))


async def breaks(path: Path, *events: Any) -> tuple[ProviderError, Heard]:
    """How these events end, and what was heard of them; nobody asked twice."""
    heard, network = Heard(), Scripted(lambda: [sse(*events)])
    error = await error_of(hear_from(network, path, heard))
    assert (len(network.requests), network.closed > 0, heard.open) == (1, True, True)
    return error, heard


def delta(**fields: Any) -> dict[str, Any]:
    """A chunk of OpenAI's chat wire."""
    return {"choices": [{"index": 0, "delta": fields}], "usage": None}


def call_piece(index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> dict[str, Any]:
    """A piece of a tool call on OpenAI's chat wire."""
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": call_id, "function": {k: v for k, v in function.items() if v is not None}}


@every_path
async def test_any_network_read_may_end_anywhere(path: Path) -> None:
    """Also within a character; the content is the same, byte by byte."""
    stream = sse(*said(path, "Ötter 🦦 ", "と海"), *ended(path)).replace(b"\n", b"\r\n")
    heard = await hear_from(Scripted(lambda: [stream[at : at + 1] for at in range(len(stream))]), path)
    assert ([chunk.text for chunk in heard.chunks], heard.end) == (["Ötter 🦦 ", "と海", ""], END)


@every_path
async def test_all_in_one_read(path: Path) -> None:
    """It still comes out piece by piece."""
    heard = await hear_scripted(path, *said(path, "a", "b"), *ended(path))
    assert ([chunk.text for chunk in heard.chunks], heard.end) == (["a", "b", ""], END)


@every_path
async def test_nothing_is_held_back(path: Path) -> None:
    """Each piece is out before the provider sends the next one."""
    go = asyncio.Semaphore(0)

    async def act(_sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "content-type: text/event-stream"))
        for events in (said(path, "first"), said(path, "second")[-1:]):
            writer.write(sse(*events))
            await writer.drain()
            await go.acquire()
        writer.write(sse(*ended(path)))
        writer.close()

    async with RawProvider(act).serve() as raw:
        provider, texts = provider_at(raw.url), []
        async for chunk in provider.stream(path.call(raw.url)):
            texts.append(chunk.text)
            go.release()
        await provider.close()
    assert texts == ["first", "second", ""]


@pytest.mark.parametrize("path", [path for path in PATHS if path is not GEMINI], ids=lambda path: path.model)
async def test_the_providers_last_word_is_enough(path: Path) -> None:
    """A connection that it leaves open after that is cut off, not waited for."""

    async def act(sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "content-type: text/event-stream") + sse(*said(path, "Hello."), *ended(path)))
        await hang(sight, writer)

    async with RawProvider(act).serve() as raw:
        provider = provider_at(raw.url)
        heard = await Heard().listen(provider.stream(path.call(raw.url, timeout_s=5)))
        await provider.close()
    assert (heard.text, heard.end) == ("Hello.", END)


@every_path
async def test_a_whole_stream_leaves_its_connection_to_the_next(path: Path) -> None:
    """Opening one costs as much as an answer's first token."""
    body = sse(*said(path, "Hello."), *ended(path))

    async def act(_sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "content-type: text/event-stream", "transfer-encoding: chunked"))
        writer.write(b"%x\r\n%b\r\n" % (len(body), body))
        await writer.drain()
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async with RawProvider(act).serve() as raw:
        provider = provider_at(raw.url)
        for _ in range(3):
            assert (await Heard().listen(provider.stream(path.call(raw.url)))).end == END
        await provider.close()
    assert (len(raw.seen), raw.connections) == (3, 1)


@every_path
async def test_a_clean_end_without_the_last_word_is_a_cut(path: Path) -> None:
    """Other gateways take it for `stop`."""
    error, heard = await breaks(path, *said(path, "Half a"))
    assert (type(error), heard.text, error.unconfirmed) == (ProviderUnavailable, "Half a", True)
    assert error.usage == {"anthropic": Usage(11, 1), "gemini": Usage(11, 1)}.get(path.provider)


@every_path
async def test_an_end_without_usage_is_not_whole(path: Path) -> None:
    """Nobody knows what to charge."""
    bare = [{k: v for k, v in event.items() if "usage" not in k} for event in ended(path) if isinstance(event, dict)]
    for event in bare:
        event.get("response", {}).pop("usage", None)
    start = [event for event in said(path, "Hello.") if "message" not in event]
    start = [{k: v for k, v in event.items() if "usage" not in k} for event in start]
    error, heard = await breaks(path, *start, *bare, *([DONE] if path in (OPENAI, DEEPSEEK) else []))
    assert (type(error), heard.text, error.usage, error.unconfirmed) == (ProviderUnavailable, "Hello.", None, True)


async def test_a_gemini_stream_that_is_cut_after_its_reason_is_a_cut() -> None:
    """It has no other last word than the end of HTTP."""
    heard, cut = Heard(), httpx.ReadError("cut")
    network = Scripted(lambda: [sse(*said(GEMINI, "All."), *ended(GEMINI)), cut])
    error = await error_of(hear_from(network, GEMINI, heard))
    assert (heard.text, error.usage, error.unconfirmed) == ("All.", Usage(11, 3), True)


@every_path
@pytest.mark.parametrize(
    "broken",
    [b'{"choices": [', b"[1]", b'"text"', b"\xff", b"[" * 100_000],
    ids=["cut", "list", "text", "bytes", "deep"],
)
async def test_what_is_no_event_breaks_the_stream(path: Path, broken: bytes) -> None:
    """At once, whatever comes after it: LiteLLM would keep the rest back, waiting for more."""
    error, heard = await breaks(path, *said(path, "Hello."), b"data: " + broken + b"\n\n", *said(path, "never"))
    assert (type(error), heard.text, error.unconfirmed) == (ProviderUnavailable, "Hello.", True)
    assert "cause=NotAStreamError" in error.detail


@every_path
async def test_the_last_word_does_not_mend_a_broken_stream(path: Path) -> None:
    """Even in the same read; the bill is known then."""
    error, heard = await breaks(path, *said(path, "Hello."), b"data: {\n\n", *ended(path))
    assert (type(error), heard.text, error.usage) == (ProviderUnavailable, "Hello.", Usage(11, 3))
    assert not error.unconfirmed


@pytest.mark.parametrize(
    ("path", "event"),
    [
        (ANTHROPIC, {"type": "content_block_delta", "index": 0}),
        (ANTHROPIC, {"type": "content_block_start", "content_block": {"type": "tool_use"}}),
        (OPENAI, {"choices": [{"delta": {"content": ["no"]}}]}),
        (OPENAI, {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": {"a": 1}}}]}}]}),
        (RESPONSES, {"type": "response.output_text.delta", "delta": {"a": 1}}),
        (GEMINI, {"candidates": [{"content": {"parts": [{"functionCall": {}}]}}]}),
        (GEMINI, {"candidates": [{"content": {"parts": [{"text": 3}]}}]}),
    ],
)
async def test_an_event_of_the_wrong_shape_breaks_the_stream(path: Path, event: Any) -> None:
    """It is content that cannot be read, so the answer would lack it."""
    error, heard = await breaks(path, *said(path, "Hello."), event, *ended(path))
    assert (type(error), heard.text) == (ProviderUnavailable, "Hello.")


@every_path
async def test_events_that_nobody_knows_are_passed_over(path: Path) -> None:
    """So are comments, names, ids, retry times and empty lines."""
    odd = [{"type": "some_new_event", "choices": []}, {"type": "ping"}, b": comment\n\nid: 7\nretry: 10\n\n\n"]
    more = [*odd, b"event: x\n", *said(path, "Hello."), *odd, *ended(path)]
    assert (await hear_scripted(path, *more)).end == END


@every_path
async def test_a_last_line_that_is_left_open_counts(path: Path) -> None:
    """Some servers end their last event without an empty line."""
    stream = sse(*said(path, "Hello."), *ended(path)).rstrip(b"\n")
    heard = await hear_from(Scripted(lambda: [stream]), path)
    assert (heard.text, heard.end) == ("Hello.", END)


@every_path
async def test_a_whole_answer_instead_of_a_stream_is_refused(path: Path) -> None:
    """It was billed all the same."""
    heard, network = Heard(), Scripted(lambda: [json.dumps(path.good).encode()], "application/json")
    error = await error_of(hear_from(network, path, heard))
    assert (type(error), heard.chunks, error.usage) == (ProviderUnavailable, [], Usage(11, 3))
    assert not error.unconfirmed


@every_path
async def test_an_error_instead_of_a_stream_is_classified(path: Path) -> None:
    """With a 200 before it."""
    body = {"error": {"type": "rate_limit_error", "code": 429 if path is GEMINI else "rate_limit_exceeded"}}
    network = Scripted(lambda: [json.dumps(body).encode()], "application/json")
    assert type(await error_of(hear_from(network, path))) is RateLimitError


@openai_wire
async def test_empty_deltas_say_nothing(path: Path) -> None:
    """Roles, nulls and choices that are not there."""
    empty = [delta(role="assistant", content=""), delta(content=None), delta(), {"choices": []}, {"choices": None}]
    heard = await hear_scripted(path, *empty, delta(content="Hello."), *empty, *ended(path))
    assert heard.chunks == [Chunk(text="Hello."), Chunk(finish_reason="stop", usage=Usage(11, 3))]


@openai_wire
@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_goes_by_two_names(path: Path, name: str) -> None:
    """DeepSeek's, and that of those who copied it."""
    heard = await hear_scripted(path, delta(**{name: "Hm."}), delta(content="Yes."), *ended(path))
    assert (heard.reasoning, heard.text) == ("Hm.", "Yes.")


@openai_wire
async def test_a_model_that_declines_says_so_in_the_text(path: Path) -> None:
    """As it does in a whole answer."""
    heard = await hear_scripted(path, delta(refusal="I "), delta(refusal="will not."), *ended(path))
    assert (heard.text, heard.end) == ("I will not.", END)


@openai_wire
async def test_tool_calls_are_numbered_as_they_begin(path: Path) -> None:
    """Interleaved, with repeated names and ids, with odd indexes or none."""
    pieces = [
        delta(tool_calls=[call_piece(3, "a", "f", None), call_piece(7, "b", "g", "")]),
        delta(tool_calls=[call_piece(7, None, None, "{"), call_piece(3, "a", "f", "[")]),
        delta(tool_calls=[call_piece(3, None, None, "]"), call_piece(7, "b", "g", "}")]),
        delta(tool_calls=[call_piece(3, "a", "f", None)]),
        delta(tool_calls=[call_piece(None, "c", "h", "{}")]),
    ]
    heard = await hear_scripted(path, *pieces, *ended(path))
    assert heard.tool_calls == (ToolCall("a", "f", "[]"), ToolCall("b", "g", "{}"), ToolCall("c", "h", "{}"))
    assert [len(chunk.tool_calls) for chunk in heard.chunks] == [2, 2, 2, 1, 0]


async def test_thinking_and_its_signature() -> None:
    """The signature is nothing to show; neither is thinking that Anthropic hides."""
    blocks = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm."}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "redacted_thinking", "data": "eA=="}},
        {"type": "content_block_stop", "index": 1},
    ]
    heard = await hear_scripted(ANTHROPIC, *said(ANTHROPIC), *blocks, *said(ANTHROPIC, "Yes.")[1:], *ended(ANTHROPIC))
    assert [(chunk.reasoning, chunk.text) for chunk in heard.chunks] == [("Hm.", ""), ("", "Yes."), ("", "")]


@pytest.mark.parametrize("pieces", [[""], ["", '{"a":', " 1}", ""]], ids=["empty", "some"])
async def test_arguments_of_an_anthropic_call(pieces: list[str]) -> None:
    """A call without any has an empty object, which Anthropic does not send."""
    block = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
        for piece in pieces
    ]
    events = [said(ANTHROPIC)[0], {"type": "content_block_start", "index": 0, "content_block": block}, *deltas]
    heard = await hear_scripted(ANTHROPIC, *events, *ended(ANTHROPIC))
    assert heard.tool_calls == (ToolCall("toolu_1", "f", "".join(pieces) or "{}"),)


@pytest.mark.parametrize("parts", [[{"functionCall": {"name": "f"}}], [{"functionCall": {"name": "f", "args": {}}}]])
async def test_whole_calls_of_gemini(parts: list[Any]) -> None:
    """Several in one event, with arguments or without; the reason for the end calls it `STOP`."""
    more = [{"functionCall": {"name": "g", "args": {"a": "ö"}, "id": "own"}}]
    events = [{"candidates": [{"content": {"parts": parts + more}}]}, {"candidates": [{"content": {"parts": parts}}]}]
    heard = await hear_scripted(GEMINI, *events, *ended(GEMINI))
    assert [(call.name, call.arguments) for call in heard.tool_calls] == [("f", "{}"), ("g", '{"a": "ö"}'), ("f", "{}")]
    assert heard.tool_calls[1].id == "own"
    assert heard.end == ("tool_calls", Usage(11, 3))


async def test_gemini_may_report_usage_after_its_last_word() -> None:
    """The last report counts."""
    late = {"usageMetadata": {"promptTokenCount": 11, "candidatesTokenCount": 5}}
    heard = await hear_scripted(GEMINI, *said(GEMINI, "Hello."), *ended(GEMINI), late)
    assert heard.end == ("stop", Usage(11, 5))


async def test_gemini_content_of_other_kinds_is_passed_over() -> None:
    """Grounding alone, or no content at all."""
    odd = [{"candidates": [{"index": 0, "groundingMetadata": {"webSearchQueries": ["otter"]}}]}, {"candidates": []}]
    heard = await hear_scripted(GEMINI, *odd, *said(GEMINI, "Hello."), *odd, *ended(GEMINI))
    assert (heard.text, heard.end) == ("Hello.", END)


async def test_events_of_the_responses_api() -> None:
    """Empty deltas, refusals, both kinds of reasoning, calls beside messages."""
    call = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": ""}
    events = [
        {"type": "response.created", "response": {"id": "resp_1", "usage": None, "error": None}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "reasoning"}},
        {"type": "response.reasoning_summary_text.delta", "summary_index": 0, "delta": "Hm."},
        {"type": "response.reasoning_text.delta", "content_index": 0, "delta": "So."},
        {"type": "response.output_item.added", "output_index": 1, "item": {"type": "message", "content": []}},
        {"type": "response.output_text.delta", "output_index": 1, "delta": ""},
        {"type": "response.refusal.delta", "output_index": 1, "delta": "No."},
        {"type": "response.refusal.done", "output_index": 1, "refusal": "No."},
        {"type": "response.output_item.added", "output_index": 2, "item": call},
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": ""},
        {"type": "response.function_call_arguments.delta", "output_index": 2, "delta": "{}"},
        {"type": "response.function_call_arguments.done", "output_index": 2, "arguments": "{}"},
    ]
    heard = await hear_scripted(RESPONSES, *events, *ended(RESPONSES))
    assert [(chunk.reasoning, chunk.text) for chunk in heard.chunks[:3]] == [("Hm.", ""), ("So.", ""), ("", "No.")]
    assert heard.chunks[3:5] == [
        Chunk(tool_calls=(ToolCallDelta(0, "call_1", "f"),)),
        Chunk(tool_calls=(ToolCallDelta(0, arguments="{}"),)),
    ]
    assert heard.end == END


USED = {"input_tokens": 11, "output_tokens": 3}
ENDS: list[tuple[dict[str, Any], type[ProviderError]]] = [
    ({"status": "failed", "error": {"code": "rate_limit_exceeded", "message": "Slow down."}}, RateLimitError),
    ({"status": "failed", "error": {"code": "server_error", "message": "Oh."}}, ProviderUnavailable),
    ({"status": "failed", "error": None}, ProviderUnavailable),
    ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, ContentFilterError),
]


@pytest.mark.parametrize(("response", "expected"), ENDS)
async def test_bad_ends_of_the_responses_api(response: dict[str, Any], expected: type[ProviderError]) -> None:
    """Each has its usage, which is the whole bill."""
    event = {"type": f"response.{response['status']}", "response": {**response, "usage": USED}}
    error, heard = await breaks(RESPONSES, *said(RESPONSES, "Hello."), event)
    assert (type(error), heard.text, error.usage, error.unconfirmed) == (expected, "Hello.", Usage(11, 3), False)


async def test_a_long_answer_of_the_responses_api_is_cut_by_its_limit() -> None:
    """`incomplete` without another reason is a length."""
    event = {"type": "response.incomplete", "response": {"status": "incomplete", "usage": USED}}
    heard = await hear_scripted(RESPONSES, *said(RESPONSES, "Hello."), event)
    assert heard.end == ("length", Usage(11, 3))


@pytest.mark.parametrize(
    ("path", "reason"),
    [(GEMINI, "MALFORMED_FUNCTION_CALL"), (GEMINI, "OTHER"), (DEEPSEEK, "insufficient_system_resource")],
)
async def test_an_end_by_the_providers_own_fault_is_an_error(path: Path, reason: str) -> None:
    """With the usage that it reports."""
    spoiled = json.loads(json.dumps([e for e in ended(path) if isinstance(e, dict)]).replace('"STOP"', f'"{reason}"'))
    spoiled = json.loads(json.dumps(spoiled).replace('"stop"', f'"{reason}"'))
    error, heard = await breaks(path, *said(path, "Hello."), *spoiled, *([DONE] if path is DEEPSEEK else []))
    assert (type(error), heard.text, error.usage) == (ProviderUnavailable, "Hello.", Usage(11, 3))


def announcing(body: bytes) -> Act:
    """Promise more than comes, so that HTTP never ends, and close."""

    async def act(_sight: Sight, writer: asyncio.StreamWriter) -> None:
        writer.write(head(200, "content-type: text/event-stream", f"content-length: {len(body) + 9}") + body)
        await writer.drain()
        writer.close()

    return act


@pytest.mark.parametrize("path", [path for path in PATHS if path is not GEMINI], ids=lambda path: path.model)
async def test_what_follows_the_last_word_does_not_matter(path: Path) -> None:
    """The answer is whole, though its connection is of no more use."""
    async with RawProvider(announcing(sse(*said(path, "Hello."), *ended(path)))).serve() as raw:
        provider = provider_at(raw.url)
        heard = await Heard().listen(provider.stream(path.call(raw.url)))
        await provider.close()
    assert heard.end == END
