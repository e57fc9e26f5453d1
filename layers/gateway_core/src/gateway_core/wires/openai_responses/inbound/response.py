"""An answer as OpenAI's Response object: https://platform.openai.com/docs/api-reference/responses/object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.answer import ProviderAnswer, ToolCall, Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.openai_responses.inbound.names import ToolNames, input_in
from gateway_core.wires.openai_responses.inbound.tools import sent_choice, sent_tools
from gateway_core.wires.shapes import mapping

_DEFAULTS: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "safety_identifier": None,
    "service_tier": "default",
    "temperature": 1.0,
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response says of an option that the request does not name."""
_CALLERS_OWN = ("prompt_cache_key", "safety_identifier", "user", "max_output_tokens")
"""What a provider is not told, or not in the caller's words."""


@dataclass(frozen=True, slots=True)
class ResponseFrame:
    """What the answers to one request have in common. `id` has no prefix; `created` is in seconds of the epoch."""

    body: Json
    names: ToolNames
    id: str
    created: int

    def begun(self, model: str) -> dict[str, Any]:
        """A response of which nothing is said yet."""
        body = self.body
        given = {name: body[name] for name in _DEFAULTS if body.get(name) is not None}
        reasoning, text = mapping(body.get("reasoning")), mapping(body.get("text"))
        return {
            "id": f"resp_{self.id}",
            "object": "response",
            "created_at": self.created,
            "status": "in_progress",
            "background": False,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            **_DEFAULTS,
            **given,
            "model": model,
            "output": [],
            "previous_response_id": None,
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "store": False,
            "text": {"format": {"type": "text"}, **text},
            "tool_choice": sent_choice(body) or "auto",
            "tools": sent_tools(body),
            "usage": None,
            "metadata": body.get("metadata") or {},
        }

    def named(self, came: Json, model: str) -> dict[str, Any]:
        """A provider's response under the gateway's id and the model's name, with the caller's own words."""
        begun = self.begun(model)
        ours = {name: begun[name] for name in ("id", "object", "model", "store", "metadata", *_CALLERS_OWN)}
        dated = {} if "created_at" in came else {"created_at": self.created}
        return {**came, **dated, **ours}

    def item_id(self, prefix: str, index: int) -> str:
        """The id of an item of the output."""
        return f"{prefix}_{self.id}{index:02x}"

    @property
    def shows_reasoning(self) -> bool:
        """Whether the caller wants to read a summary of what the model thinks."""
        asked = mapping(self.body.get("reasoning"))
        return bool(asked.get("summary") or asked.get("generate_summary"))

    def reasoning(self, index: int, text: str | None) -> dict[str, Any]:
        """An item of reasoning; None: one that begins."""
        summary = [] if text is None else [summary_part(text)]
        return {"id": self.item_id("rs", index), "type": "reasoning", "summary": summary}

    def message(self, index: int, parts: Sequence[Json], status: str) -> dict[str, Any]:
        """A message of the assistant."""
        head = {"id": self.item_id("msg", index), "type": "message", "status": status, "role": "assistant"}
        return {**head, "content": parts}

    def call(self, index: int, call: ToolCall, status: str) -> dict[str, Any]:
        """A call as the caller declared the tool: by its own name, in its namespace, of its kind."""
        tool = self.names.declared(call.name)
        space = {"namespace": tool.namespace} if tool.namespace else {}
        named = {"status": status, "call_id": call.id, "name": tool.name, **space}
        if tool.custom:
            head = {"id": self.item_id("ctc", index), "type": "custom_tool_call"}
            return {**head, **named, "input": input_in(call.arguments) if call.arguments else ""}
        return {"id": self.item_id("fc", index), "type": "function_call", **named, "arguments": call.arguments}

    def whole(self, model: str, answer: ProviderAnswer, usage: Json) -> dict[str, Any]:
        """The whole answer."""
        status = "incomplete" if answer.finish_reason == "length" else "completed"
        output = [make(index) for index, make in enumerate(self._items(answer, status))]
        return ended(self.begun(model), output, usage, answer.finish_reason, self.created)

    def _items(self, answer: ProviderAnswer, status: str) -> Iterator[Any]:
        if answer.reasoning and self.shows_reasoning:
            yield lambda index: self.reasoning(index, answer.reasoning)
        parts = [text_part(answer.content)] if answer.content else []
        parts += [refusal_part(answer.refusal)] if answer.refusal else []
        if parts or not answer.tool_calls:
            yield lambda index: self.message(index, parts or [text_part("")], status)
        for call in answer.tool_calls:
            yield lambda index, call=call: self.call(index, call, status)


def ended(begun: Json, output: list[Json], usage: Json, finish: str, now_s: int) -> dict[str, Any]:
    """The response once it has ended: `length` and `content_filter` leave it incomplete."""
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(finish)
    state: dict[str, Any] = {"status": "completed", "completed_at": now_s}
    if reason:
        state = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    return {**begun, **state, "output": output, "usage": usage}


def text_part(text: str) -> dict[str, Any]:
    """A part of a message."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def refusal_part(text: str) -> dict[str, Any]:
    """A part of a message."""
    return {"type": "refusal", "refusal": text}


def summary_part(text: str) -> dict[str, Any]:
    """A part of a reasoning item."""
    return {"type": "summary_text", "text": text}


def response_usage(usage: Usage, came: Json | None = None) -> dict[str, Any]:
    """Usage by this wire's names: what is billed, and what else the provider says."""
    told = dict(came or {})
    cached = {"cached_tokens": usage.cached_input_tokens, "cache_write_tokens": usage.cache_write_tokens}
    return {
        **told,
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {**mapping(told.get("input_tokens_details")), **cached},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {
            **mapping(told.get("output_tokens_details")),
            "reasoning_tokens": usage.reasoning_tokens,
        },
        "total_tokens": usage.total_tokens,
    }
