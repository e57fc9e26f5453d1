"""The request in Responses' words: https://platform.openai.com/docs/api-reference/responses/create."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.terms import sent_service_tier
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.fit import Fitted, fitted, forces_a_call, thinking_asked
from gateway_core.wires.openai_responses.carried import origin_of
from gateway_core.wires.openai_responses.content import says_json
from gateway_core.wires.openai_responses.history import history_of
from gateway_core.wires.openai_responses.tools import tools_of
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import traits_of

_SAME_NAME = ("temperature", "top_p", "prompt_cache_key", "prompt_cache_retention", "safety_identifier")
_SENT = frozenset(
    {
        *_SAME_NAME,
        "parallel_tool_calls",
        "response_format",
        "service_tier",
        "store",
        "tool_choice",
        "tools",
        "verbosity",
    }
)
_NOT_SENT = frozenset({"metadata", "stream_options", "user"})
"""The gateway's own, on whichever wire."""
_SAYS_NOTHING = {"n": 1, "modalities": ["text"]}
LEAST_OUTPUT_TOKENS = 16
"""A lower limit is refused as `integer_below_min_value`."""
_JSON_HINT: Json = {"type": "message", "role": "system", "content": "Answer with a JSON object."}
"""JSON mode is refused where no message of the input has the word."""


def request(call: ProviderCall, streams: bool) -> UpstreamRequest:
    """The body to send to `/responses`. Nothing is stored: it would be for 30 days, without a word on it."""
    fit = fitted(call)
    history = history_of(call.messages, origin_of(call.deployment) if fit.thinks else "")
    body = {
        "model": call.deployment.upstream_model,
        "input": hinted(history.items, fit.params),
        **tools_of(fit.params),
        **_text(fit.params),
        **_thinking(fit),
        **{name: fit.params[name] for name in _SAME_NAME if name in fit.params},
        **_tier(call, fit.params),
        "max_output_tokens": max(call.max_output_tokens, LEAST_OUTPUT_TOKENS),
        "store": False,
        **({"stream": True} if streams else {}),
    }
    dropped = {*fit.dropped, *history.dropped, *_unsaid(call, fit)}
    return UpstreamRequest("/responses", body, tuple(sorted(dropped)))


def hinted(sent: list[Json], params: Json) -> list[Json]:
    """The items, with one that says JSON before them where JSON is asked for and nobody says it."""
    wants_json = mapping(params.get("response_format")).get("type") == "json_object"
    return [_JSON_HINT, *sent] if wants_json and not any(map(says_json, sent)) else sent


def _text(params: Json) -> dict[str, Any]:
    form, verbosity = _format(mapping(params.get("response_format"))), params.get("verbosity")
    text = {**({"format": form} if form else {}), **({"verbosity": verbosity} if verbosity else {})}
    return {"text": text} if text else {}


def _format(wanted: Json) -> dict[str, Any]:
    match wanted.get("type"):
        case "json_object":
            return {"type": "json_object"}
        case "json_schema":
            told = mapping(wanted.get("json_schema"))
            described = {"description": told["description"]} if told.get("description") else {}
            named = {"name": told.get("name"), **described, "schema": told.get("schema") or {}}
            return {"type": "json_schema", **named, "strict": told.get("strict") is True}
        case _:
            return {}


def _tier(call: ProviderCall, params: Json) -> dict[str, Any]:
    """OpenAI is always told, for the default is the project's own, whose price nobody knows beforehand."""
    named = "service_tier" in params or traits_of(call.deployment.provider).stores
    return {"service_tier": sent_service_tier(params)} if named else {}


def _thinking(fit: Fitted) -> dict[str, Any]:
    """No summary is asked for: some models give it to verified organizations alone."""
    effort = {} if fit.effort is None else {"reasoning": {"effort": fit.effort}}
    return {**effort, **({"include": ["reasoning.encrypted_content"]} if fit.thinks else {})}


def _unsaid(call: ProviderCall, fit: Fitted) -> set[str]:
    """Names of the options that this wire has no word for, or not for their value."""
    params = fit.params
    other = (name for name in params if name not in _SENT and name not in _NOT_SENT)
    told = {name for name in other if not _says_nothing(name, params[name])}
    thinking = thinking_asked(call.params)
    changed = {
        "cache_control": any(mapping(tool).get("cache_control") for tool in items(params.get("tools"))),
        "max_tokens": call.max_output_tokens < LEAST_OUTPUT_TOKENS,
        "store": bool(params.get("store")),
        "thinking": bool(thinking) and not (thinking.get("type") == "disabled" and not fit.thinks),
        "tool_choice": not items(params.get("tools")) and forces_a_call(params),
    }
    return told | {name for name, is_changed in changed.items() if is_changed}


def _says_nothing(name: str, value: Any) -> bool:
    """Penalties of 0, no stop sequences: what is the same as not to ask."""
    return (not value and name != "seed") or value == _SAYS_NOTHING.get(name)
