"""Thinking at Anthropic: the signatures of its blocks, and what may not go with it.

Rules as of 2026-11-29, from https://platform.claude.com/docs/en/build-with-claude/extended-thinking (limits of
tool_choice, temperature, top_p, top_k and budget; preserving blocks over tool use),
https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking (assistant turns need not begin with a block in
adaptive mode; which models have which mode; `display`) and
https://platform.claude.com/docs/build-with-claude/thinking-tool-workflows (forced tools are refused in manual mode
alone; blocks come back unmodified).
"""

from __future__ import annotations

import hashlib
from typing import Any

from local.providers.anthropic.betas import BINDING, INTERLEAVED, UPDATES
from local.providers.model import Json, Refused

_REDACTED = "EmwKAhgBEgy3"
_MIN_BUDGET = 1024
_MIN_TOP_P = 0.95
_ADAPTIVE_FROM = (4, 6)
_MANUAL_UNTIL = (4, 6)
_FORCING = ("any", "tool")
_BLOCKS = ("thinking", "redacted_thinking")
_DOCS = "Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
_FIRST = (
    "When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost "
    "set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To "
    f"avoid this requirement, disable `thinking`. {_DOCS}"
)


def signature_of(text: str) -> str:
    """The signature that goes with a text of thinking, and with no other."""
    return "EqQBCgIYAhIM" + hashlib.sha512(f"simulator:{text}".encode()).hexdigest()


def redacted_data(text: str) -> str:
    """The data of a redacted block: likewise bound to what only the simulator knows."""
    return _REDACTED + hashlib.sha512(f"redacted:{text}".encode()).hexdigest()


def check_thinking(body: Json, version: tuple[int, int], betas: frozenset[str]) -> None:
    """The parameter and what goes with it. Raises Refused. Interleaved thoughts may outgrow one answer's limit."""
    thinking = body.get("thinking")
    if thinking is None:
        return
    kind = thinking.get("type") if isinstance(thinking, dict) else None
    if kind not in ("enabled", "disabled", "adaptive"):
        found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
        raise Refused(f"thinking: {found}: 'adaptive', 'disabled', 'enabled'")
    if kind == "adaptive" and version < _ADAPTIVE_FROM:
        raise Refused("adaptive thinking is not supported on this model")
    if kind == "enabled":
        interleaved = INTERLEAVED in betas and bool(body.get("tools"))
        _check_manual(body, thinking.get("budget_tokens"), version, interleaved=interleaved)
    known = {"type", "display", *(("budget_tokens",) if kind == "enabled" else ())}
    known |= {"block_binding"} if BINDING in betas else set()
    for name in sorted(set(thinking) - known):
        raise Refused(f"thinking.{kind}.{name}: Extra inputs are not permitted")
    updates = ("updates",) if UPDATES in betas else ()
    if thinking.get("display") not in (None, "summarized", "omitted", *updates):
        raise Refused(f"thinking.{kind}.display: Input should be 'summarized' or 'omitted'")


def _check_manual(body: Json, budget: Any, version: tuple[int, int], *, interleaved: bool) -> None:
    if version > _MANUAL_UNTIL:
        message = '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
        raise Refused(message + '"output_config.effort" to control thinking behavior.')
    if budget is None:
        raise Refused("thinking.enabled.budget_tokens: Field required")
    if budget < _MIN_BUDGET:
        raise Refused(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {_MIN_BUDGET}")
    limit = body.get("max_tokens")
    if limit is not None and limit <= budget and not interleaved:
        anchor = "#max-tokens-and-context-window-size"
        raise Refused(f"`max_tokens` must be greater than `thinking.budget_tokens`. {_DOCS}{anchor}")
    _check_sampling(body)
    _check_choice(body)


def _check_sampling(body: Json) -> None:
    if body.get("temperature") not in (None, 1):
        raise Refused(f"`temperature` may only be set to 1 when thinking is enabled. {_DOCS}")
    if body.get("top_p") is not None and body["top_p"] < _MIN_TOP_P:
        message = f"`top_p` must be greater than or equal to {_MIN_TOP_P} or unset when thinking is enabled."
        raise Refused(f"{message} {_DOCS}")
    if body.get("top_k") is not None:
        raise Refused(f"`top_k` must be unset when thinking is enabled. {_DOCS}")


def _check_choice(body: Json) -> None:
    if (body.get("tool_choice") or {}).get("type") in _FORCING:
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def check_history(body: Json) -> None:
    """Signatures, wherever blocks stand, and in manual mode the block that a tool's answer needs. Raises Refused."""
    messages = body["messages"]
    for index, message in enumerate(messages):
        for number, block in enumerate(message["content"] if isinstance(message["content"], list) else ()):
            _check_signature(f"messages.{index}.content.{number}", block)
    if (body.get("thinking") or {}).get("type") == "enabled":
        check_turn_begins_with_thinking(messages)


def _check_signature(at: str, block: Json) -> None:
    if block["type"] == "thinking" and block.get("signature") != signature_of(str(block.get("thinking"))):
        raise Refused(f"{at}: Invalid `signature` in `thinking` block")
    if block["type"] == "redacted_thinking" and not str(block.get("data")).startswith(_REDACTED):
        raise Refused(f"{at}: Invalid `data` in `redacted_thinking` block")


def check_turn_begins_with_thinking(messages: list[Json]) -> None:
    """A turn that called tools, and one that is to be continued, begins with thinking. Raises Refused.

    A turn may reach over several calls and results; without interleaved thinking only its first message thinks.
    """
    turn = _last_turn(messages)
    if not turn or any(_first_block(messages[at]) in _BLOCKS for at in (turn[0], turn[-1])):
        return
    at = turn[-1]
    found = _first_block(messages[at])
    expected = f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`."
    raise Refused(f"{expected} {_FIRST}")


def _last_turn(messages: list[Json]) -> list[int]:
    """Where the assistant's messages since the user last said something stand; those of tools say nothing new."""
    turn: list[int] = []
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if message["role"] == "assistant":
            turn.insert(0, at)
        elif message["role"] == "user" and not _only_results(message["content"]):
            break
    return turn


def _only_results(content: Any) -> bool:
    return isinstance(content, list) and any(block["type"] == "tool_result" for block in content)


def _first_block(message: Json) -> str:
    content = message["content"]
    return str(content[0]["type"]) if isinstance(content, list) else "text"
