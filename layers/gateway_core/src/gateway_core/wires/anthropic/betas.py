"""Which of the caller's betas a model of Anthropic's is told: those that change neither price nor place of anything.

Not among them is what keeps files, starts containers, has Anthropic call servers, or widens the window that is held for
(`context-1m`: models that read as much do so without). Source: https://platform.claude.com/docs/en/api/beta-headers.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway_core.domain.chat import Json
from gateway_core.domain.model_rules import ModelRules
from gateway_core.wires.shapes import items, mapping

_TAKEN = (
    "advanced-tool-use-",
    "claude-code-",
    "computer-use-",
    "extended-cache-ttl-",
    "fine-grained-tool-streaming-",
    "interleaved-thinking-",
    "model-context-window-exceeded-",
    "output-128k-",
    "pdfs-",
    "prompt-caching-",
    "redact-thinking-",
    "structured-outputs-",
    "task-budgets-",
    "thinking-binding-controls-",
    "thinking-display-updates-",
    "thinking-token-count-",
    "token-counting-",
    "token-efficient-tools-",
    "tool-examples-",
)
_EFFORT, _EDITS, _LATE_SYSTEM = "effort-", "context-management-", "mid-conversation-system-"
INTERLEAVED = "interleaved-thinking-"


_COMPUTERS = {"computer_20250124": "computer-use-2025-01-24", "computer_20251124": "computer-use-2025-11-24"}


def needed_by(body: Json) -> Iterator[str]:
    """The betas without which Anthropic refuses what is in a body."""
    if body.get("context_management"):
        yield "context-management-2025-06-27"
    if body.get("output_format"):
        yield "structured-outputs-2025-11-13"
    if mapping(body.get("output_config")).get("task_budget"):
        yield "task-budgets-2026-03-13"
    if mapping(body.get("thinking")).get("block_binding"):
        yield "thinking-binding-controls-2026-08-01"
    kinds = (str(tool.get("type")) for tool in items(body.get("tools")))
    yield from (_COMPUTERS[kind] for kind in kinds if kind in _COMPUTERS)


def betas_for(asked: str, rules: ModelRules) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Of a header's betas those to send, and those that are left out, each once."""
    names = tuple(dict.fromkeys(name for part in asked.split(",") if (name := part.strip())))
    taken = (*_TAKEN, *_by_rules(rules))
    sent = tuple(name for name in names if name.startswith(taken))
    return sent, tuple(name for name in names if name not in sent)


def _by_rules(rules: ModelRules) -> list[str]:
    """Those of what only some models take."""
    efforts = _EFFORT if rules.thinking_form == "adaptive" or rules.output_efforts else ""
    edits = _EDITS if rules.edits_context else ""
    late = _LATE_SYSTEM if rules.takes_late_system else ""
    return [name for name in (efforts, edits, late) if name]
