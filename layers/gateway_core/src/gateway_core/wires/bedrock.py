"""Amazon Bedrock's Converse, the one wire of all its models.

Requests, answers and stop reasons: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html;
streams: API_runtime_ConverseStream.html; errors: userguide/troubleshooting-api-error-codes.html; models:
API_ListFoundationModels.html, which another host has.
"""

from __future__ import annotations

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import Json
from gateway_core.wires.counts import checked, count
from gateway_core.wires.finish import CONTENT_FILTER, INTERRUPTED, finish_word
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.wire import NO_FACTS, ErrorSign, EventFacts, ModelsEndpoint, StreamForm, Wire

_FINISHES = {
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "content_filtered": CONTENT_FILTER,
    "guardrail_intervened": CONTENT_FILTER,
    "malformed_model_output": INTERRUPTED,
    "malformed_tool_use": INTERRUPTED,
}
_SIGNS = (
    ErrorSign("too_long", prose=(r"input is too long", r"too many input tokens", r"input length and `max_tokens`")),
    ErrorSign("gone", prose=(r"the provided model identifier is invalid", r"this model version has reached the end")),
    ErrorSign("unusable", prose=(r"invocation of model id \S+ with on-demand throughput", r"operation not allowed")),
)
_STATUSES = {
    "accessdeniedexception": 403,
    "expiredtokenexception": 403,
    "modelnotreadyexception": 429,
    "resourcenotfoundexception": 404,
    "throttlingexception": 429,
    "unrecognizedclientexception": 403,
    "validationexception": 400,
}
"""All others stand for a failure of the service or the model: in a stream there is no other way to say so."""

_OF_MODEL = "additionalModelResponseFields"


def _finish(body: object) -> str:
    return finish_word(_FINISHES, mapping(body).get("stopReason"))


def _usage(body: object) -> Usage | None:
    """It counts the input without what it read from or wrote to its cache.

    Thinking is among the output; Claude's is told among the model's own fields, which LiteLLM asks for.
    """
    raw = mapping(mapping(body).get("usage"))
    fresh, output = count(raw, "inputTokens"), count(raw, "outputTokens")
    if fresh is None or output is None:
        return None
    read = count(raw, "cacheReadInputTokens") or 0
    written = count(raw, "cacheWriteInputTokens") or 0
    details = map(mapping, items(raw.get("cacheDetails")))
    for_an_hour = sum(count(one, "inputTokens") or 0 for one in details if one.get("ttl") == "1h")
    of_model = mapping(mapping(mapping(body).get(_OF_MODEL)).get("usage"))
    thoughts = count(mapping(of_model.get("output_tokens_details")), "thinking_tokens") or 0
    return checked(Usage(fresh + read + written, output, read, written, thoughts, for_an_hour))


def _facts(event: Json) -> EventFacts:
    """`messageStop` says why, and `metadata`, the last one, what it cost."""
    finish, told = _finish(event), {name: event[name] for name in ("usage", _OF_MODEL) if event.get(name)}
    return EventFacts(finish, told) if finish or told else NO_FACTS


BEDROCK = Wire(
    name="bedrock",
    finish_of=_finish,
    usage_of=_usage,
    models=ModelsEndpoint(
        "/foundation-models",
        "authorization",
        "modelSummaries",
        "modelId",
        key_prefix="Bearer ",
        host=("//bedrock-runtime", "//bedrock"),  # "bedrock-runtime-fips" is "bedrock-fips" there
        names_all=False,  # profiles are in a list of their own
    ),
    stream=StreamForm(_facts, terminators=frozenset({"metadata"})),
    error_signs=_SIGNS,
    error_statuses=_STATUSES,
    cannot_carry=frozenset({"frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "seed", "verbosity"}),
    input_includes_cached=False,
)
