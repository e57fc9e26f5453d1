"""Makes a request fit into what its budgets leave, after the store has refused it for money."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from gateway_core.domain.catalog import Provider
from gateway_core.domain.chat import ChatRequest
from gateway_core.ports import TokenCounter
from gateway_core.routing.bounds import BoundedCandidate, PromptSize
from gateway_core.routing.fitting import LONG_PROMPT, counted_bound, cut_to_fit, is_over_budget
from gateway_core.store.messages import Refusal, Refused

MOST_CUTS = 3
"""Others may take meanwhile what was left: so often a request is cut before it is refused."""


@dataclass(slots=True)
class Fitting:
    """What is tried for one request, in this order: its prompt is counted, once; its `max_tokens` is cut.

    `least` is down to how many tokens, None for never. `refusal` is the last one for a budget.
    """

    request: ChatRequest
    size: PromptSize
    counter: TokenCounter
    providers: Mapping[str, Provider]
    least: int | None
    is_counted: bool = False
    cuts: int = 0
    refusal: Refusal | None = None

    async def fit(self, candidates: list[BoundedCandidate], refused: Refused) -> list[BoundedCandidate]:
        """The candidates to ask the store for again; the same where nothing helps."""
        if not is_over_budget(refused):
            return candidates
        self.refusal = refused.main
        if not self.is_counted and self.size.text_tokens > LONG_PROMPT:
            self.is_counted = True
            # In a thread: a long prompt takes the tokeniser a while.
            counted = await asyncio.to_thread(self._counted, candidates)
            if counted != candidates:
                return counted
        if self.least is None or self.cuts >= MOST_CUTS:
            return candidates
        self.cuts += 1
        return cut_to_fit(candidates, refused, self.request, self.least)

    def _counted(self, candidates: list[BoundedCandidate]) -> list[BoundedCandidate]:
        return [
            counted_bound(self.request, self.size, one, self.providers[one.model.provider], self.counter.count_tokens)
            for one in candidates
        ]
