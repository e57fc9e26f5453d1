"""The request for a caller on the same wire: as it came, but for what the gateway answers for.

That is the model's name, the cap, storage, the service tier; names that projects cannot share; what the model does not
take; web search, which no hold covers; and what only other providers' answers can have brought into the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.terms import sent_service_tier
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.fit import Fitted, fitted
from gateway_core.wires.openai_responses.content import with_jpeg
from gateway_core.wires.openai_responses.history import NO_ARGUMENTS, wire_id
from gateway_core.wires.openai_responses.inbound.conversation import CALLS, OUTPUTS, items_of, kind_of
from gateway_core.wires.openai_responses.inbound.reading import LOGPROBS
from gateway_core.wires.openai_responses.inbound.tools import WEB_SEARCH, is_web_search, sent_choice, sent_tools
from gateway_core.wires.openai_responses.request import LEAST_OUTPUT_TOKENS, hinted
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import traits_of

_OURS = frozenset(
    {"input", "max_output_tokens", "metadata", "model", "service_tier", "store", "stream", "stream_options", "user"}
)
_SHARED = ("prompt_cache_key", "safety_identifier")
_BY_RULES = ("parallel_tool_calls", "prompt_cache_retention", "temperature", "top_logprobs", "top_p", *_SHARED)
"""Members that the model may not take, or not as they are, under the same name as in the chat form."""
_OF_TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
_ID_PREFIXES = {
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctc",
    "function_call": "fc",
    "function_call_output": "fc",
    "message": "msg",
    "reasoning": "rs",
}
_LONGEST_ID = 64
_INTERNAL = frozenset({"internal_chat_message_metadata_passthrough"})
"""What Codex tells a server that it takes for OpenAI's own; no page has it, and it changes no answer."""
_SEALED = "reasoning.encrypted_content"


def forwarded_request(call: ProviderCall, body: Json, streams: bool) -> UpstreamRequest:
    """The body to send to `/responses`. Nothing is stored: all projects share one account."""
    fit = fitted(call)
    given = items_of(body)
    sent = [item for one in given if (item := _item(one))]
    lost = len(sent) < len(given)
    members = {name: value for name, value in _members(body, fit).items() if name not in _OURS}
    if call.rules.thinks == "never":
        members = _without_reasoning(members)
    stores = traits_of(call.deployment.provider).stores
    tier = {"service_tier": sent_service_tier(call.params)} if stores or "service_tier" in call.params else {}
    made = {
        "model": call.deployment.upstream_model,
        "input": _input(body, sent, given, fit),
        **members,
        **_included(body, members, fit),
        **tier,
        "max_output_tokens": max(call.max_output_tokens, LEAST_OUTPUT_TOKENS),
        "store": False,
        **(_streamed(body) if streams else {}),
    }
    return UpstreamRequest("/responses", made, tuple(sorted({*fit.dropped, *_dropped(call, body, lost)})))


def _input(body: Json, sent: list[Json], given: list[Json], fit: Fitted) -> Any:
    hinted_items = hinted(sent, fit.params)
    return body["input"] if isinstance(body["input"], str) and hinted_items == given else hinted_items


def _members(body: Json, fit: Fitted) -> dict[str, Any]:
    """All members in their order, those that the model takes otherwise as it takes them."""
    members = dict(body)
    for name in _BY_RULES:
        if body.get(name) is not None:
            _set(members, name, fit.params.get(name))
    _set(members, "tools", sent_tools(body) or None)
    _set(members, "tool_choice", sent_choice(body))
    if "tools" not in members:
        members = {name: value for name, value in members.items() if name not in _OF_TOOLS}
    _set(members, "reasoning", _reasoning(mapping(body.get("reasoning")), fit) or None)
    _set(members, "text", _text(mapping(body.get("text")), fit) or None)
    return members


def _set(members: dict[str, Any], name: str, value: Any) -> None:
    """As it was where it says nothing; else with this value, and gone where there is none."""
    if members.get(name) is None:
        return
    if value is None:
        del members[name]
    else:
        members[name] = value


def _reasoning(given: Json, fit: Fitted) -> dict[str, Any]:
    kept = {name: value for name, value in given.items() if name != "effort"}
    return {**kept, "effort": fit.effort} if fit.effort is not None and "effort" in given else kept


def _text(given: Json, fit: Fitted) -> dict[str, Any]:
    lost = {"format": "response_format", "verbosity": "verbosity"}
    return {name: value for name, value in given.items() if lost.get(name, name) in fit.params or value is None}


def _without_reasoning(members: dict[str, Any]) -> dict[str, Any]:
    """For models that refuse any word on it, as agents say it to all."""
    wanted = [name for name in items(members.get("include")) if name != _SEALED]
    kept = {name: value for name, value in members.items() if name not in ("include", "reasoning")}
    return {**kept, **({"include": wanted} if wanted else {})}


def _included(body: Json, members: Json, fit: Fitted) -> dict[str, Any]:
    """What is to be in the answer beside its text.

    Who has not said that nothing is to be stored counts on the answer's reasoning to be found again: it comes sealed.
    """
    wanted = items(members.get("include"))
    if body.get("top_logprobs") and "top_logprobs" not in members:
        wanted = [name for name in wanted if name != LOGPROBS]
    if fit.thinks and body.get("store") is not False and _SEALED not in wanted:
        wanted = [*wanted, _SEALED]
    return {"include": wanted} if wanted or members.get("include") else {}


def _streamed(body: Json) -> dict[str, Any]:
    options = body.get("stream_options")
    return {"stream": True, **({"stream_options": options} if options else {})}


def _dropped(call: ProviderCall, body: Json, lost: bool) -> Iterator[str]:
    if any(is_web_search(mapping(tool)) for tool in items(body.get("tools"))):
        yield WEB_SEARCH
    if body.get("store"):
        yield "store"
    if lost:
        yield "encrypted_content"
    if call.max_output_tokens < LEAST_OUTPUT_TOKENS:
        yield "max_tokens"


def _item(item: Json) -> Json:
    """An item as it may be sent; empty where it may not: reasoning that OpenAI has not sealed is not found there."""
    kind = kind_of(item)
    odd = {"id"} if "id" in item and not _is_own(str(item["id"]), kind) else set()
    if (odd | _INTERNAL) & item.keys():
        item = {name: value for name, value in item.items() if name not in odd | _INTERNAL}
    if kind == "reasoning":
        return item if item.get("encrypted_content") else {}
    if kind in CALLS | OUTPUTS:
        item = _with(item, "call_id", wire_id(item.get("call_id")))
    if kind == "function_call":
        return _with(item, "arguments", item.get("arguments") or NO_ARGUMENTS)
    place = "output" if kind in OUTPUTS else "content"
    parts = item.get(place)
    return _with(item, place, list(map(with_jpeg, parts))) if isinstance(parts, list) else item


def _is_own(item_id: str, kind: str) -> bool:
    """Whether OpenAI takes the id for one of such an item: others are refused, and no item needs one."""
    return kind not in _ID_PREFIXES or (item_id.startswith(_ID_PREFIXES[kind]) and len(item_id) <= _LONGEST_ID)


def _with(item: Json, name: str, value: Any) -> Json:
    return item if item.get(name) == value else {**item, name: value}
