"""How a budget is shown, over HTTP and on the command line."""

from __future__ import annotations

from typing import Any

from gateway_core.domain.cost import usd
from gateway_core.store.records import BudgetLine


def budget_row(line: BudgetLine) -> dict[str, Any]:
    """Money as decimal strings; None for what has no limit. What is estimated is a part of what is spent."""
    left = None if line.limit_nano is None else usd(line.limit_nano - line.spent_nano - line.held_nano)
    left_tokens = None if line.limit_tokens is None else line.limit_tokens - line.spent_tokens - line.held_tokens
    return {
        "scope": line.scope,
        "period": line.period,
        "spent_usd": usd(line.spent_nano),
        "held_usd": usd(line.held_nano),
        "estimated_usd": usd(line.estimated_nano),
        "limit_usd": None if line.limit_nano is None else usd(line.limit_nano),
        "left_usd": left,
        "spent_tokens": line.spent_tokens,
        "held_tokens": line.held_tokens,
        "estimated_tokens": line.estimated_tokens,
        "limit_tokens": line.limit_tokens,
        "left_tokens": left_tokens,
    }
