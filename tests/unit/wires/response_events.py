"""Events of OpenAI's Responses, and the answer that a client puts together from them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway_core.domain.answer import Chunk, ProviderAnswer, ToolCall, Usage
from gateway_core.wires.codec import EventReader
from gateway_core.wires.openai_responses.codec import OPENAI_RESPONSES_CODEC
from tests.unit.wires.response_inputs import HI
from tests.unit.wires.responses import call

CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "look_up", "arguments": '{"q":"x"}'}
MESSAGE = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}


def reader() -> EventReader:
    return OPENAI_RESPONSES_CODEC.reader(call(HI))


def event(kind: str, index: int | None = 0, **fields: Any) -> dict[str, Any]:
    place = {} if index is None else {"output_index": index}
    return {"type": f"response.{kind}", "sequence_number": 7, **place, **fields}


def added(item: dict[str, Any], index: int | None = 0) -> dict[str, Any]:
    empty: dict[str, Any] = {"arguments": ""} if "arguments" in item else {"input": ""} if "input" in item else {}
    return event("output_item.added", index, item={**item, **empty, "status": "in_progress"})


def done(item: dict[str, Any], index: int | None = 0) -> dict[str, Any]:
    return event("output_item.done", index, item=item)


def arguments(delta: str, index: int | None = 0) -> dict[str, Any]:
    return event("function_call_arguments.delta", index, delta=delta)


def all_arguments(said: str, index: int | None = 0) -> dict[str, Any]:
    return event("function_call_arguments.done", index, arguments=said)


def completed(*output: Any) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"status": "completed", "output": list(output)}}


def gathered(chunks: Iterable[Chunk]) -> ProviderAnswer:
    """The answer that a client puts together."""
    text, refusal, reasoning = "", "", ""
    calls: dict[int, list[str]] = {}
    customs: set[int] = set()
    for chunk in chunks:
        text, refusal, reasoning = text + chunk.text, refusal + chunk.refusal, reasoning + chunk.reasoning
        for piece in chunk.tool_calls:
            customs |= {piece.index} if piece.custom else set()
            known = calls.setdefault(piece.index, ["", "", ""])
            calls[piece.index] = [a + b for a, b in zip(known, (piece.id, piece.name, piece.arguments), strict=True)]
    assert sorted(calls) == list(range(len(calls)))
    tools = tuple(ToolCall(*calls[index], custom=index in customs) for index in sorted(calls))
    return ProviderAnswer(text, tools, "", Usage(), reasoning=reasoning, refusal=refusal)


def streamed(*events: dict[str, Any]) -> ProviderAnswer:
    made = reader()
    return gathered([*(made.chunk(one) for one in events), made.last()])
