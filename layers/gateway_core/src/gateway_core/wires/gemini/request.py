"""The request to `generateContent`, or to `streamGenerateContent` as server-sent events.

Source: https://ai.google.dev/api/generate-content.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.fit import Fitted, fitted, says_nothing, stops_of
from gateway_core.wires.gemini.contents import conversation_of
from gateway_core.wires.gemini.thinking import thinking_of
from gateway_core.wires.gemini.tools import tooling
from gateway_core.wires.shapes import mapping

_WORDS = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_OTHERS = frozenset({"parallel_tool_calls", "response_format", "seed", "stop", "tool_choice", "tools"})
"""Options that are said in other words than one."""
_MOST_STOPS = 5
_SEEDS = 2**31


def request(call: ProviderCall, streams: bool) -> UpstreamRequest:
    """The body, and a path with the model's name in it, where nothing of the name can be anything else."""
    model = call.deployment.upstream_model
    conversation = conversation_of(call.messages, model)
    fit = fitted(call)
    dropped = {*fit.dropped, *conversation.dropped, *_unsaid(fit.params)}
    body = {
        "contents": conversation.contents,
        **({"systemInstruction": {"parts": conversation.system}} if conversation.system else {}),
        **tooling(fit.params, dropped),
        "generationConfig": _config(call, fit, dropped),
    }
    method = "streamGenerateContent?alt=sse" if streams else "generateContent"
    return UpstreamRequest(f"/models/{quote(model, safe='')}:{method}", body, tuple(sorted(dropped)))


def _unsaid(params: Json) -> set[str]:
    """Options that Gemini has no word for, without those that ask for nothing."""
    foreign = params.keys() - _WORDS.keys() - _OTHERS
    return {name for name in foreign if not says_nothing(name, params[name])}


def _config(call: ProviderCall, fit: Fitted, dropped: set[str]) -> dict[str, Any]:
    thinking = thinking_of(call, fit, dropped)
    return {
        **{word: fit.params[name] for name, word in _WORDS.items() if name in fit.params},
        "maxOutputTokens": call.max_output_tokens,
        **_stop(fit.params, dropped),
        **_seed(fit.params, dropped),
        **_format(mapping(fit.params.get("response_format"))),
        **({"thinkingConfig": thinking} if thinking else {}),
    }


def _stop(params: Json, dropped: set[str]) -> dict[str, Any]:
    stops = stops_of(params)
    taken = [text for text in stops if text][:_MOST_STOPS]
    if taken != stops:
        dropped.add("stop")
    return {"stopSequences": taken} if taken else {}


def _seed(params: Json, dropped: set[str]) -> dict[str, Any]:
    """A seed has 32 bits here; the same longer one still gives the same."""
    if (seed := params.get("seed")) is None:
        return {}
    if not -_SEEDS <= seed < _SEEDS:
        dropped.add("seed")
        seed %= _SEEDS
    return {"seed": seed}


def _format(response_format: Json) -> dict[str, Any]:
    """JSON by the schema as it came, or any JSON. Source: https://ai.google.dev/gemini-api/docs/structured-output."""
    if response_format.get("type") not in ("json_object", "json_schema"):
        return {}
    schema = mapping(response_format.get("json_schema")).get("schema")
    return {"responseMimeType": "application/json", **({"responseJsonSchema": schema} if mapping(schema) else {})}
