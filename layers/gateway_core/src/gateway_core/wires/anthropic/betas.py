"""Which of the caller's betas a model of Anthropic's is told: those that change neither price nor place of anything.

Not among them is what keeps files, starts containers, has Anthropic call servers, or widens the window that is held for
(`context-1m`: models that read as much do so without). Source: https://platform.claude.com/docs/en/api/beta-headers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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
_NOT_TAKEN = ("mid-conversation-system-clear-at-",)
"""Begin like one that is taken, and are for members that are not."""
INTERLEAVED = "interleaved-thinking-"

DISPLAYS = ("summarized", "omitted")
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
    names = _names(asked)
    sent = tuple(name for name in names if _is_taken(name, _by_rules(rules)))
    return sent, tuple(name for name in names if name not in sent)


def names_unknown(asked: str) -> bool:
    """Whether a header names a beta that no model is told: what it is for has no name here."""
    return any(not _is_taken(name, (_EFFORT, _EDITS, _LATE_SYSTEM)) for name in _names(asked))


def shows(display: str, asked: str) -> bool:
    """Whether thoughts may be asked for in this way: one beyond the documented is its beta's, which has to go along."""
    beta = f"thinking-display-{display}-"
    return display in DISPLAYS or any(name.startswith(beta) for name in _names(asked) if _is_taken(name, ()))


def _names(asked: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in asked.split(",") if (name := part.strip())))


def _is_taken(name: str, more: Iterable[str]) -> bool:
    return name.startswith((*_TAKEN, *more)) and not name.startswith(_NOT_TAKEN)


def _by_rules(rules: ModelRules) -> list[str]:
    """Those of what only some models take."""
    efforts = _EFFORT if rules.thinking_form == "adaptive" or rules.output_efforts else ""
    edits = _EDITS if rules.edits_context else ""
    late = _LATE_SYSTEM if rules.takes_late_system else ""
    return [name for name in (efforts, edits, late) if name]
