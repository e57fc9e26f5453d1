"""The header `anthropic-beta`: which values are known, and which fields want one.

Rules as of 2026-11-29, from https://platform.claude.com/docs/en/api/beta-headers (a list, separated by commas; what is
unknown is an invalid request), the `anthropic_beta` of https://platform.claude.com/docs/en/api/beta/messages/create,
https://platform.claude.com/docs/en/build-with-claude/context-editing, and for values that Claude Code sends and no page
lists, its releases 2.1.x. Fields of a beta are unknown without it.
"""

from __future__ import annotations

from typing import Any

from local.providers.model import Json, Refused, Request

CONTEXT = "context-management-2025-06-27"
BINDING = "thinking-binding-controls-2026-08-01"
INTERLEAVED = "interleaved-thinking-2025-05-14"
UPDATES = "thinking-display-updates-2026-08-18"
_CLEARED = "mid-conversation-system-clear-at-2026-08-21"
_PER_TURN = (
    "mid-conversation-effort-2026-08-01",
    "mid-conversation-output-config-2026-07-01",
    "per-turn-control-2026-07-01",
)
_DOCUMENTED = (
    "advisor-tool-2026-03-01",
    "agent-memory-2026-07-22",
    "cache-diagnosis-2026-04-07",
    "code-execution-2025-05-22",
    "code-execution-2025-08-25",
    "compact-2026-01-12",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    CONTEXT,
    "dev-full-thinking-2025-05-14",
    "dreaming-2026-04-21",
    "extended-cache-ttl-2025-04-11",
    "fallback-credit-2026-06-01",
    "fallback-credit-2026-07-01",
    "fast-mode-2026-02-01",
    "files-api-2025-04-14",
    "inline-tools-2026-09-15",
    INTERLEAVED,
    "managed-agents-2026-04-01",
    "mcp-client-2025-04-04",
    "mcp-client-2025-11-20",
    "message-batches-2024-09-24",
    "mid-conversation-tool-changes-2026-07-01",
    "model-context-window-exceeded-2025-08-26",
    "output-128k-2025-02-19",
    "output-300k-2026-03-24",
    "pdfs-2024-09-25",
    "prompt-caching-2024-07-31",
    "server-side-fallback-2026-06-01",
    "server-side-fallback-2026-07-01",
    "skills-2025-10-02",
    "structured-outputs-2025-11-13",
    "task-budgets-2026-03-13",
    BINDING,
    "thinking-token-count-2026-05-13",
    "token-counting-2024-11-01",
    "token-efficient-tools-2025-02-19",
    "user-profiles-2026-03-24",
    "user-profiles-2026-08-18",
    "web-fetch-2025-09-10",
)
_OF_CLAUDE_CODE = (
    "advanced-tool-use-2025-11-20",
    "afk-mode-2026-01-31",
    "claude-code-20250219",
    "context-hint-2026-04-09",
    "dangerous-tool-use-2026-09-03",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    _CLEARED,
    "mid-conversation-system-2026-04-07",
    "oauth-2025-04-20",
    *_PER_TURN,
    "prompt-caching-evict-2026-05-12",
    "prompt-caching-scope-2026-01-05",
    "redact-thinking-2026-02-12",
    "structured-outputs-2025-12-15",
    UPDATES,
)
_KNOWN = frozenset(_DOCUMENTED + _OF_CLAUDE_CODE)
_FIELDS = {
    "context_management": (CONTEXT, "compact-2026-01-12"),
    "mcp_servers": ("mcp-client-2025-04-04", "mcp-client-2025-11-20"),
    "speed": ("fast-mode-2026-02-01",),
}
_EDITS = {
    "clear_thinking_20251015": ("type", "keep"),
    "clear_tool_uses_20250919": (
        "type",
        "trigger",
        "keep",
        "clear_at_least",
        "exclude_tools",
        "clear_tool_inputs",
    ),
    "compact_20260112": ("type", "trigger", "instructions", "pause_after_compaction"),
}
_THINKING = "clear_thinking_20251015"


def betas_of(request: Request) -> frozenset[str]:
    """What the header names. Raises Refused for what is unknown."""
    given = [name.strip() for name in request.headers.get("anthropic-beta", "").split(",")]
    unknown = ", ".join(f"`{name}`" for name in given if name and name not in _KNOWN)
    if unknown:
        hint = "Please consult our documentation at docs.claude.com or try again without the header."
        raise Refused(f"Unexpected value(s) {unknown} for the `anthropic-beta` header. {hint}")
    return frozenset(given)


def fields_of_system(betas: frozenset[str]) -> frozenset[str]:
    """What a system message in the conversation may have beside role and content."""
    per_turn = () if betas.isdisjoint(_PER_TURN) else ("output_config",)
    return frozenset(per_turn + (("clear_at",) if _CLEARED in betas else ()))


def check_beta_fields(body: Json, betas: frozenset[str]) -> None:
    """Raises Refused for a field whose beta is not asked for."""
    for name, wanted in _FIELDS.items():
        if name in body and betas.isdisjoint(wanted):
            raise Refused(f"{name}: Extra inputs are not permitted")
    if body.get("context_management") is not None:
        _check_edits(body["context_management"], body)


def _check_edits(management: Any, body: Json) -> None:
    """Clearing of thoughts comes first, and only where there are any."""
    for name in sorted(set(management) - {"edits"}):
        raise Refused(f"context_management.{name}: Extra inputs are not permitted")
    kinds = []
    for index, edit in enumerate(management.get("edits") or ()):
        at = f"context_management.edits.{index}"
        kind = edit.get("type")
        if kind not in _EDITS:
            found = f"Input tag '{kind}' found using 'type' does not match any of the expected tags"
            raise Refused(f"{at}: {found}: {', '.join(repr(known) for known in _EDITS)}")
        for name in sorted(set(edit) - set(_EDITS[kind])):
            raise Refused(f"{at}.{kind}.{name}: Extra inputs are not permitted")
        kinds.append(kind)
    if _THINKING in kinds[1:]:
        raise Refused(f"context_management.edits: `{_THINKING}` strategy must be first in the list of edits")
    if kinds[:1] == [_THINKING] and (body.get("thinking") or {}).get("type") not in ("enabled", "adaptive"):
        raise Refused(f"`{_THINKING}` strategy requires `thinking` to be enabled or adaptive")
