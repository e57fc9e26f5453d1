"""The values of an embedding, as `chat` has those of a completion. Units as there."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway_core.domain.answer import Usage
from gateway_core.domain.caller import Attribution
from gateway_core.domain.chat import Deployment
from gateway_core.domain.rates import RateView

type EmbeddingInput = str | tuple[int, ...]
"""A text, or its tokens."""


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """Texts to embed. `dimensions` shortens the vectors where the model can."""

    inputs: tuple[EmbeddingInput, ...]
    attribution: Attribution
    model_group: str | None = None
    model: str | None = None
    dimensions: int | None = None
    fallback: bool | None = None
    timeout_s: float = 120.0


@dataclass(frozen=True, slots=True)
class EmbedCall:
    """One attempt at embedding, ready to send."""

    deployment: Deployment
    inputs: tuple[EmbeddingInput, ...]
    dimensions: int | None
    timeout_s: float
    request_id: str


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A vector for each input, in their order."""

    vectors: tuple[tuple[float, ...], ...]
    usage: Usage
    rates: RateView | None = field(default=None, compare=False)
