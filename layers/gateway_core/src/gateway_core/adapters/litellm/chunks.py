"""The events of a provider's stream as `Chunk`s.

LiteLLM's translators take single events and are called with what they need of each: their iterators would read the
network for us, hold a broken event back until the end, and keep what went by. OpenAI's own events need none of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from gateway_core.adapters.litellm.claude import signs_thoughts
from gateway_core.adapters.litellm.gaps import with_arguments
from gateway_core.domain.answer import Chunk, ToolCallDelta
from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.bedrock import BEDROCK
from gateway_core.wires.bedrock_thoughts import Thoughts
from gateway_core.wires.calls import CallNumbers
from gateway_core.wires.gemini import GEMINI
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.openai_chat.events import ChatReader
from gateway_core.wires.openai_chat.history import NO_ARGUMENTS
from gateway_core.wires.openai_responses import OPENAI_RESPONSES
from gateway_core.wires.shapes import items, mapping, text_of
from gateway_core.wires.table import traits_of, wire_of

_CONTENT_OF_ANTHROPIC = frozenset({"content_block_start", "content_block_delta", "content_block_stop"})
_CONTENT_OF_BEDROCK = frozenset({"contentBlockStart", "contentBlockDelta", "contentBlockStop"})
_CONTENT_OF_RESPONSES = {
    "response.output_item.added": "response.output_item.added",
    "response.output_text.delta": "response.output_text.delta",
    "response.reasoning_summary_text.delta": "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta": "response.reasoning_summary_text.delta",
    "response.function_call_arguments.delta": "response.function_call_arguments.delta",
}
"""The events with content, and as what LiteLLM knows them."""


class Translator:
    """Translates the events of one stream, in their order.

    Args:
        call: Whose events these are.
        parser: LiteLLM's object with a `chunk_parser`; on OpenAI's own wire it may have none, and Bedrock's goes by
            another name.
    """

    def __init__(self, call: ProviderCall, parser: Any) -> None:
        self._wire = wire_of(call.deployment)
        self._parser = parser
        dialect = traits_of(call.deployment.provider).litellm.translates_chat and hasattr(parser, "chunk_parser")
        # Its own events need no translation; nothing is forwarded, as the request was not.
        self._plain = ChatReader(replace(call, spoken=None)) if self._wire is OPENAI_CHAT and not dialect else None
        self._calls = CallNumbers()
        self._told: set[Any] = set()
        self._bare: set[int] = set()
        self._thoughts = Thoughts() if signs_thoughts(call.deployment) else None

    @property
    def called(self) -> bool:
        """Whether a tool call has begun."""
        return self._plain.called if self._plain else self._calls.any

    def chunk(self, event: Json) -> Chunk:
        """Its content, or an empty chunk. Raises anything for an event that does not hold what it should."""
        if self._plain:
            return self._plain.chunk(event)
        if event.get("type") == "response.refusal.delta":
            return Chunk(refusal=text_of(event.get("delta")))
        if self._thoughts:
            self._thoughts.read(event)
        if late := self._late_arguments(event):
            return Chunk(tool_calls=tuple(late))
        needed = _NEEDED.get(self._wire, _of_chat)(event)
        return self._foreign(self._parse(needed)) if needed else Chunk()

    def _late_arguments(self, event: Json) -> list[ToolCallDelta]:
        """Those of a call of Responses that came in no piece but with its end, which LiteLLM passes over."""
        kind, item = event.get("type"), mapping(event.get("item"))
        if kind == "response.function_call_arguments.delta" and event.get("delta"):
            self._told.add(event.get("output_index"))
        is_end = kind == "response.output_item.done" and item.get("type") == "function_call"
        if not is_end or event.get("output_index") in self._told:
            return []
        return list(self._call(None, item.get("call_id"), "", item.get("arguments") or NO_ARGUMENTS))

    def last(self) -> Chunk:
        """What is missing at the end: the arguments of calls that came without any."""
        if self._plain:
            return self._plain.last()
        return Chunk(tool_calls=tuple(ToolCallDelta(number, arguments=NO_ARGUMENTS) for number in sorted(self._bare)))

    def _parse(self, event: Json) -> Any:
        known = self._parser.converse_chunk_parser if self._wire is BEDROCK else self._parser.chunk_parser
        return known(event)

    def _foreign(self, response: Any) -> Chunk:
        if self._wire is ANTHROPIC:
            _forget(self._parser)
        delta = response.choices[0].delta if response.choices else None
        return Chunk(
            text=text_of(getattr(delta, "content", None)),
            tool_calls=tuple(self._foreign_calls(delta)),
            reasoning=text_of(getattr(delta, "reasoning_content", None)),
        )

    def _foreign_calls(self, delta: Any) -> Iterator[ToolCallDelta]:
        for piece in getattr(delta, "tool_calls", None) or ():
            call_id = self._thoughts.signed(piece.id) if self._thoughts and piece.id else piece.id
            yield from self._call(piece.index, call_id, piece.function.name, piece.function.arguments)

    def _call(self, index: int | None, call_id: Any, name: Any, arguments: Any) -> Iterator[ToolCallDelta]:
        delta = self._calls.delta(index, text_of(call_id), text_of(name), text_of(arguments))
        if delta and delta.arguments:
            self._bare.discard(delta.index)
        elif delta and delta.name:
            self._bare.add(delta.index)
        return iter([delta] if delta else [])


def _of_anthropic(event: Json) -> dict[str, Any]:
    return dict(event) if str(event.get("type")) in _CONTENT_OF_ANTHROPIC else {}


def _of_bedrock(event: Json) -> dict[str, Any]:
    return dict(event) if str(event.get("type")) in _CONTENT_OF_BEDROCK else {}


def _of_responses(event: Json) -> dict[str, Any]:
    known = _CONTENT_OF_RESPONSES.get(str(event.get("type")), "")
    return {**event, "type": known} if known and event.get("delta") != "" else {}


def _of_gemini(event: Json) -> dict[str, Any]:
    return {"candidates": [with_arguments(mapping(one)) for one in items(event.get("candidates"))]}


def _of_chat(event: Json) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name != "usage"} if event.get("choices") else {}


_NEEDED = {ANTHROPIC: _of_anthropic, BEDROCK: _of_bedrock, OPENAI_RESPONSES: _of_responses, GEMINI: _of_gemini}
"""What of an event LiteLLM is to translate, if anything; usage and ends are read from the event itself. This is not in
the wires' records, because it is told apart by what LiteLLM's translators can and cannot read."""


def _forget(parser: Any) -> None:
    """LiteLLM keeps a block's deltas to see whether its arguments were empty: one that is not tells as much."""
    kept = parser.content_blocks
    if len(kept) > 1:
        telling = [block for block in kept if block["delta"].get("partial_json")]
        kept[:] = (telling or kept)[:1]
    parser.reasoning_content_chunks.clear()
