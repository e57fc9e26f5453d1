"""What a budget makes cheaper, as it is configured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from gateway_core.domain.chat import ChatRequest

type BudgetOwner = Literal["project", "key", "user"]


@dataclass(frozen=True, slots=True)
class Downgrade:
    """From `at_percent` of a budget of one of `owners` on, who asks for the group `source` gets the group `target`.

    `explicit`: so does who names a model of that group.
    """

    source: str
    target: str
    at_percent: int
    owners: frozenset[BudgetOwner]
    explicit: bool = False

    def applied_to(self, request: ChatRequest) -> ChatRequest:
        """The request as it is served."""
        return replace(request, model=None, model_group=self.target)

    @property
    def told(self) -> str:
        """As answers name it."""
        return f"{self.source}->{self.target}"


@dataclass(frozen=True, slots=True)
class Reached:
    """A rule that applies, and the budget that it is for: of whom, of which period, and what part of it is spent."""

    rule: Downgrade
    owner: BudgetOwner
    period: str
    percent: int
