"""What only one of the wire formats has, or has in its own way."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway_core.domain.answer import Chunk, ToolCall, ToolCallDelta, Usage
from gateway_core.domain.provider_errors import ContentFilterError, ProviderError, ProviderUnavailable, RateLimitError
from tests.contract.litellm_paths import NAMES, PATHS, Path
from tests.contract.streaming import (
    ANTHROPIC,
    DEEPSEEK,
    DONE,
    GEMINI,
    OPENAI,
    RESPONSES,
    breaks,
    ended,
    hear_scripted,
    said,
)

openai_wire = pytest.mark.parametrize("path", [OPENAI, DEEPSEEK], ids=["openai", "deepseek"])
END = ("stop", Usage(11, 3))


def delta(**fields: Any) -> dict[str, Any]:
    """A chunk of OpenAI's chat wire."""
    return {"choices": [{"index": 0, "delta": fields}], "usage": None}


def call_piece(index: int | None, call_id: str | None, name: str | None, arguments: str | None) -> dict[str, Any]:
    """A piece of a tool call on OpenAI's chat wire."""
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": call_id, "function": {k: v for k, v in function.items() if v is not None}}


@openai_wire
async def test_empty_deltas_say_nothing(path: Path) -> None:
    """Roles, nulls and choices that are not there."""
    empty = [delta(role="assistant", content=""), delta(content=None), delta(), {"choices": []}, {"choices": None}]
    heard = await hear_scripted(path, *empty, delta(content="Hello."), *empty, *ended(path))
    assert [chunk.text for chunk in heard.chunks] == ["Hello.", ""]
    assert heard.chunks[-1] == Chunk(finish_reason="stop", usage=Usage(11, 3))


@openai_wire
@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
async def test_reasoning_goes_by_two_names(path: Path, name: str) -> None:
    """DeepSeek's, and that of those who copied it."""
    heard = await hear_scripted(path, delta(**{name: "Hm."}), delta(content="Yes."), *ended(path))
    assert (heard.reasoning, heard.text) == ("Hm.", "Yes.")


@openai_wire
async def test_content_may_come_in_parts(path: Path) -> None:
    """Mistral's form, with thoughts among the text."""
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}
    parts = [delta(content=[thought]), delta(content=[{"type": "text", "text": "Yes"}, {"type": "text", "text": "."}])]
    heard = await hear_scripted(path, *parts, *ended(path))
    assert (heard.reasoning, heard.text, heard.end) == ("Hm.", "Yes.", END)


@openai_wire
async def test_a_model_that_declines_says_so_apart_from_the_text(path: Path) -> None:
    """As it does in a whole answer."""
    heard = await hear_scripted(path, delta(refusal="I "), delta(refusal="will not."), *ended(path))
    assert ("".join(chunk.refusal for chunk in heard.chunks), heard.text) == ("I will not.", "")
    assert heard.end == END


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
    assert [(chunk.reasoning, chunk.refusal) for chunk in heard.chunks[:3]] == [("Hm.", ""), ("So.", ""), ("", "No.")]
    assert heard.chunks[3:5] == [
        Chunk(tool_calls=(ToolCallDelta(0, "call_1", "f"),)),
        Chunk(tool_calls=(ToolCallDelta(0, arguments="{}"),)),
    ]
    assert heard.end == ("tool_calls", END[1])


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
    error, heard = await breaks(path, *said(path, "Hello."), *spoiled, *([DONE] if path == DEEPSEEK else []))
    assert (type(error), heard.text, error.usage) == (ProviderUnavailable, "Hello.", Usage(11, 3))


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
async def test_half_of_a_surrogate_pair_becomes_a_question_mark(path: Path) -> None:
    """It can be sent to nobody; what came before and after it is told."""
    told = (*said(path, "Hel\ud800lo."), *ended(path))
    events = [event if isinstance(event, bytes) else b"data: " + json.dumps(event).encode() + b"\n\n" for event in told]
    heard = await hear_scripted(path, *events)
    assert heard.text == "Hel?lo."
