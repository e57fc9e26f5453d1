"""A request that came on Anthropic's wire, on its way to Anthropic: its body as it came, but for what is ours.

Ours are the model's name, the cap, and who asks. What the model does not take is left out, or brought to the nearest
that it takes, by the rules of the catalog, and named.
Source: https://platform.claude.com/docs/en/api/messages/create.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway_core.domain.chat import Json, ProviderCall
from gateway_core.domain.model_rules import EFFORTS, Effort, ModelRules
from gateway_core.wires.anthropic.betas import INTERLEAVED, betas_for, needed_by, shows
from gateway_core.wires.anthropic.caching import mark_for_later, marks_in
from gateway_core.wires.anthropic.history import blocks_of, history_of, turns_of
from gateway_core.wires.anthropic.thinking import has_room, thinking_of
from gateway_core.wires.anthropic.thoughts import may_think
from gateway_core.wires.codec import UpstreamRequest
from gateway_core.wires.fit import Fitted, fitted, stops_of
from gateway_core.wires.shapes import items, mapping

_SAMPLING = ("temperature", "top_p", "top_k")
_THINKS = ("enabled", "adaptive")
_EMPTY = ("container", "fallbacks", "mcp_servers", "speed")
"""Members that callers may send only where they say nothing: each is a beta's, and unknown without it."""
_CLEARS_THOUGHTS = "clear_thinking_"
_VERSION = re.compile(r"\d{4}-\d\d-\d\d")
_BETA = re.compile(r"[A-Za-z0-9._-]{1,80}")


@dataclass(slots=True)
class _Changes:
    """Members in place of the caller's, None to leave one out; and the chat form's names of what changed."""

    body: Json
    members: dict[str, Any] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)

    def latest(self, name: str) -> Json:
        """A member that is an object, as it is to be sent."""
        return mapping(self.members.get(name, self.body.get(name)))

    def applied(self) -> dict[str, Any]:
        """The body, in its order, with new members at its end."""
        return {name: value for name, value in {**self.body, **self.members}.items() if value is not None}


def forwarded(call: ProviderCall, body: Json, *, streams: bool) -> UpstreamRequest:
    """The request for a call with this body of the caller's."""
    told = dict(call.spoken.headers) if call.spoken else {}
    asked = _on_this_wire(call, body)
    fit = fitted(asked, may_think=_may_think(asked, body))
    left = call.spoken.left if call.spoken else ()
    changes = _Changes(body, dropped={*left, *(set(fit.dropped) - {"reasoning_effort", "thinking"})})
    _set_ours(changes, call, streams=streams)
    _set_options(changes, fit)
    _set_thinking(changes, asked, fit, interleaved=_interleaves(told, body))
    _set_display(changes, told.get("anthropic-beta", ""))
    _set_effort(changes, call.rules)
    _set_edits(changes, call.rules)
    made = changes.applied()
    if call.caches_prompt:
        made = _marked(made, call.deployment.upstream_model)
    headers, unheard = _headers(told, call.rules, made)
    return UpstreamRequest("/v1/messages", made, tuple(sorted({*changes.dropped, *unheard})), headers)


def _interleaves(told: Mapping[str, str], body: Json) -> bool:
    """Whether it thinks between calls of tools: then a budget is for all of them, and may be above the cap."""
    return INTERLEAVED in told.get("anthropic-beta", "") and bool(body.get("tools"))


def _on_this_wire(call: ProviderCall, body: Json) -> ProviderCall:
    """The call with thinking as it was asked for: an effort alone makes no model think here."""
    params = {name: value for name, value in call.params.items() if name not in ("reasoning_effort", "thinking")}
    thinking = {"thinking": body["thinking"]} if body.get("thinking") else {}
    return replace(call, params={**params, **thinking})


def _may_think(call: ProviderCall, body: Json) -> bool:
    """A budget asks more of the history than adaptive thinking does."""
    if call.rules.thinking_form != "budget" and mapping(body.get("thinking")).get("type") != "enabled":
        return True
    return has_room(call) and may_think(turns_of(history_of(body["messages"], call.rules, thinks=True)))


def _set_ours(changes: _Changes, call: ProviderCall, *, streams: bool) -> None:
    changes.members |= {
        "model": call.deployment.upstream_model,
        "max_tokens": call.max_output_tokens,
        "stream": True if streams else None,
        **{name: None for name in _EMPTY if name in changes.body},
    }
    if changes.body.get("metadata"):
        who = call.params.get("safety_identifier")
        changes.members["metadata"] = {"user_id": who} if who else None


def _set_options(changes: _Changes, fit: Fitted) -> None:
    for name in _SAMPLING:
        if fit.params.get(name) != changes.body.get(name):
            changes.members[name] = fit.params.get(name)
    stops = stops_of(fit.params)
    if stops != (changes.body.get("stop_sequences") or []):
        changes.members["stop_sequences"] = stops or None


def _set_thinking(changes: _Changes, call: ProviderCall, fit: Fitted, *, interleaved: bool) -> None:
    """As asked, where the model takes it and the conversation lets it think; else the nearest. Then the messages."""
    asked = mapping(changes.body.get("thinking"))
    kind, budget = asked.get("type"), asked.get("budget_tokens")
    has_place = interleaved or not isinstance(budget, int) or budget < call.max_output_tokens
    is_taken = _takes(call.rules, kind) and has_place and (fit.thinks or kind == "disabled")
    if asked and not is_taken:
        near, _ = thinking_of(call, fit)
        changes.members["thinking"] = near.get("thinking")
        changes.dropped.add("thinking")
        config = mapping(changes.body.get("output_config"))
        if "output_config" in near and not config.get("effort"):
            changes.members["output_config"] = {**config, **near["output_config"]}
    was_turned_off = kind in _THINKS and changes.latest("thinking").get("type") not in _THINKS
    came = changes.body["messages"]
    sent = history_of(came, call.rules, thinks=not was_turned_off)
    if sent != came:
        changes.members["messages"] = sent


def _set_display(changes: _Changes, betas: str) -> None:
    """How thoughts are shown, as it was asked for: where its beta goes along, else as the model does by itself."""
    display = mapping(changes.body.get("thinking")).get("display")
    thinking = changes.latest("thinking")
    if display is None or thinking.get("type") not in _THINKS:
        return
    if shows(display, betas):
        kept = {**thinking, "display": display}
    else:
        kept = {name: value for name, value in thinking.items() if name != "display"}
        changes.dropped.add("thinking.display")
    if kept != thinking:
        changes.members["thinking"] = kept


def _takes(rules: ModelRules, kind: object) -> bool:
    """Whether the model has this kind of thinking; of one that nobody knows, its provider has the word."""
    if rules.efforts is None:
        return True
    match kind:
        case "disabled":
            return rules.thinks != "always"
        case "adaptive":
            return rules.thinking_form == "adaptive"
        case _:
            return rules.thinking_form == "budget" or rules.takes_budgets


def _set_effort(changes: _Changes, rules: ModelRules) -> None:
    """The effort, or the next stronger that the model knows, else its strongest; none where it knows none."""
    config = changes.latest("output_config")
    asked = mapping(changes.body.get("output_config")).get("effort")
    taken = _efforts(rules)
    if asked is None or taken is None or asked in taken:
        return
    stronger = (effort for effort in taken if EFFORTS.index(effort) > EFFORTS.index(asked))
    near = next(stronger, taken[-1] if taken else None)
    rest = {name: value for name, value in config.items() if name != "effort"}
    changes.members["output_config"] = {**rest, **({"effort": near} if near else {})} or None
    changes.dropped.add("reasoning_effort")


def _efforts(rules: ModelRules) -> tuple[Effort, ...] | None:
    """Those that it takes on this wire, weakest first; None where nobody knows."""
    if rules.efforts is None or rules.output_efforts:
        return rules.output_efforts or None
    return tuple(e for e in rules.efforts if e != "none") if rules.thinking_form == "adaptive" else ()


def _set_edits(changes: _Changes, rules: ModelRules) -> None:
    """Without thinking there are no thoughts to be cleared, and an edit that says so is refused."""
    asked = changes.latest("context_management")
    edits = items(asked.get("edits"))
    if not edits or rules.efforts is None:
        return
    thinks = changes.latest("thinking").get("type") in _THINKS
    kept = [edit for edit in edits if thinks or not str(edit.get("type")).startswith(_CLEARS_THOUGHTS)]
    kept = kept if rules.edits_context else []
    if kept != edits:
        changes.members["context_management"] = {**asked, "edits": kept} if kept else None
        changes.dropped.add("context_management")


def _marked(body: dict[str, Any], model: str) -> dict[str, Any]:
    """The body with breakpoints for its cache, where the conversation goes on and the caller has set none of his."""
    goes_on = body.get("tools") or any(message["role"] == "assistant" for message in body["messages"])
    if not goes_on or any(True for _ in marks_in(body)):
        return body
    made = {**body, "messages": turns_of(body["messages"])}
    made |= {"system": blocks_of(body["system"])} if body.get("system") else {}
    made |= {"tools": [dict(tool) for tool in body["tools"]]} if body.get("tools") else {}
    mark_for_later(made, model)
    return made if any(True for _ in marks_in(made)) else body


def _headers(told: Mapping[str, str], rules: ModelRules, body: Json) -> tuple[tuple[tuple[str, str], ...], set[str]]:
    """What of the caller's headers goes along, with what the body needs; and the names of the betas that do not."""
    taken, left = betas_for(told.get("anthropic-beta", ""), rules)
    sent = dict.fromkeys((*taken, *needed_by(body)))
    version = told.get("anthropic-version", "")
    headers = {
        **({"anthropic-version": version} if _VERSION.fullmatch(version) else {}),
        **({"anthropic-beta": ",".join(sent)} if sent else {}),
    }
    return tuple(headers.items()), {
        f"anthropic-beta:{name}" if _BETA.fullmatch(name) else "anthropic-beta" for name in left
    }
