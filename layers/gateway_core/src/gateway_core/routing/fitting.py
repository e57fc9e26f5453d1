"""What makes a request fit into a budget that its first bound does not fit into. Pure.

1. A tighter bound of a long prompt. Its bytes are more than any tokeniser makes of it, and about four times as many as
   tokens of English or code. Counted it is at most the larger of

       counted x count_factor of the provider,   bytes / 2

   The former is what streams that end early are charged by (`unknown_end`); the latter is a second bound for what the
   counting tokeniser has single tokens for and another one may not: runs of spaces, words of rare scripts. To break
   both a text would have to have a token for less than two bytes, and be counted too low by more than the factor.
2. A lower cap of the output, where the operator allows it: what the budget leaves room for, but never less than
   `least`, nor than a request needs that says how much the model is to think.

Source: docs/decisions/0026-holds-that-fit-agents.md.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from gateway_core.domain.catalog import Provider
from gateway_core.domain.chat import ChatRequest
from gateway_core.domain.prompt import TOOL_PROMPT_TOKENS, countable
from gateway_core.routing.bounds import BoundedCandidate, PromptSize
from gateway_core.routing.estimate import Count
from gateway_core.store.messages import Refused

LONG_PROMPT = 8192
"""Bytes from which on it is worth while to count: below, the output's cap is most of what is held."""
LEAST_BYTES_PER_TOKEN = 2


def counted_bound(
    request: ChatRequest, size: PromptSize, bounded: BoundedCandidate, provider: Provider, count: Count
) -> BoundedCandidate:
    """The same candidate with less held for a long prompt. May take a while: counting is work."""
    model = bounded.model
    prompt = countable(request.messages, request.params)
    named = [request.params[name] for name in ("tools", "functions", "response_format") if request.params.get(name)]
    tools = {"role": "user", "content": json.dumps(named, ensure_ascii=False)}
    messages = (*prompt.messages, tools) if named else prompt.messages
    counted = math.ceil(provider.count_factor * count(model.deployment, messages, prompt.params).input_tokens)
    apart = (TOOL_PROMPT_TOKENS if prompt.tool_tokens else 0) + size.beside_tokens
    text = max(counted + apart, size.text_tokens // LEAST_BYTES_PER_TOKEN)
    tighter = size._replace(text_tokens=min(size.text_tokens, text))
    return bounded.within(min(bounded.most_input, tighter.upper_bound(model)), bounded.output_cap)


def is_over_budget(refused: Refused) -> bool:
    """Whether money or tokens of a budget are what is missing for any candidate."""
    return any(refusal.reason == "budget" for refusal in refused.refusals)


def cut_to_fit(
    candidates: Sequence[BoundedCandidate], refused: Refused, request: ChatRequest, least: int
) -> list[BoundedCandidate]:
    """The candidates, with the largest cap that fits where a budget refused one; as they were where none fits."""
    needed = max(least, _thinking(request.params) + 1)
    cut = list(candidates)
    for refusal in refused.refusals:
        if refusal.shortage:
            bounded = candidates[refusal.index]
            fits = bounded.largest_output(refusal.shortage.room_nano, refusal.shortage.room_tokens)
            if needed <= fits < bounded.output_cap:
                cut[refusal.index] = bounded.within(bounded.most_input, fits, cut=True)
    return cut


def _thinking(params: Any) -> int:
    """The tokens that the request sets apart for thinking: they are part of the output."""
    thinking = params.get("thinking")
    budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
    return budget if isinstance(budget, int) else 0
