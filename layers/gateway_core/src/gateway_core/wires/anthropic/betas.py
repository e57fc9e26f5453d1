"""Which of the caller's betas a model of Anthropic's is told: those that change neither price nor place of anything.

Not among them is what keeps files, starts containers, has Anthropic call servers, or widens the window that is held for
(`context-1m`: models that read as much do so without). Source: https://platform.claude.com/docs/en/api/beta-headers.
"""

from __future__ import annotations

from gateway_core.domain.model_rules import ModelRules

_TAKEN = (
    "claude-code-",
    "computer-use-",
    "extended-cache-ttl-",
    "fine-grained-tool-streaming-",
    "interleaved-thinking-",
    "output-128k-",
    "prompt-caching-",
    "redact-thinking-",
    "structured-outputs-",
    "task-budgets-",
    "thinking-binding-controls-",
    "thinking-token-count-",
    "token-counting-",
    "token-efficient-tools-",
    "tool-examples-",
)
_EFFORT, _EDITS, _LATE_SYSTEM = "effort-", "context-management-", "mid-conversation-system-"
INTERLEAVED = "interleaved-thinking-"


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
