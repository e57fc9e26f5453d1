"""OpenAI's Responses API: https://platform.openai.com/docs/api-reference/responses, "-streaming" for its events."""

from __future__ import annotations

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.wires import openai
from gateway_core.wires.finish import CONTENT_FILTER, INTERRUPTED
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.wire import NO_FACTS, EventFacts, StreamForm, Wire

_CALLS = ("function_call", "custom_tool_call")
ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


def _finish(body: object) -> str:
    raw = mapping(body)
    match raw.get("status"):
        case "completed":
            called = any(mapping(item).get("type") in _CALLS for item in items(raw.get("output")))
            return "tool_calls" if called else "stop"
        case "incomplete":
            reason = mapping(raw.get("incomplete_details")).get("reason")
            return CONTENT_FILTER if reason == CONTENT_FILTER else "length"
        case "failed" | "cancelled":
            return INTERRUPTED
        case _:
            return ""


def _usage(body: object) -> Usage | None:
    return openai.usage_from(body, "input", "output")


def _facts(event: Json) -> EventFacts:
    """Most of it is in the event's `response`, which is an answer so far; an error may be the event itself."""
    response, kind = mapping(event.get("response")), event.get("type")
    usage = {"usage": openai.with_tier(response)} if response else {}
    if kind == "error":
        return EventFacts(usage=usage, error={"error": {name: event.get(name) for name in ("code", "message")}})
    if str(kind) not in ENDS:
        return EventFacts(usage=usage) if usage else NO_FACTS
    error = response.get("error")
    return EventFacts(finish=_finish(response), usage=usage, error={"error": error} if error else {})


def _refusal(body: object) -> str:
    """Kept in a part of its own, beside the texts."""
    parts = (part for item in items(mapping(body).get("output")) for part in items(mapping(item).get("content")))
    return next((said for part in map(mapping, parts) if isinstance(said := part.get("refusal"), str)), "")


OPENAI_RESPONSES = Wire(
    name="openai_responses",
    finish_of=_finish,
    usage_of=_usage,
    models=openai.MODELS,
    stream=StreamForm(_facts, terminators=ENDS, stop_may_call=True),  # some end with a response without its output
    error_signs=openai.SIGNS,
    error_statuses=openai.STATUSES,
    refusal_of=_refusal,
    limit_headers=openai.LIMITS,
    cannot_carry=frozenset(
        {"frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "seed", "stop", "thinking"}
    ),
)
