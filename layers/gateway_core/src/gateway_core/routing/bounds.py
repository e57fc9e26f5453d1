"""What is held for a request at each candidate: the bound of its cost and tokens. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest, Model
from gateway_core.domain.cost import REQUEST_TOKENS, bound, prompt_bound
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import BudgetExceeded
from gateway_core.routing.order import output_limit
from gateway_core.store.messages import Candidate

BYTES_PER_TOKEN = 4
"""English text has about four bytes a token. Only routing relies on it; money relies on the bound."""
LEAST_OF_RESPONSES = 16
"""OpenAI's Responses API takes no lower limit, so less cannot be held either."""


@dataclass(frozen=True, slots=True)
class BoundedCandidate:
    """A model that may be tried: what the store needs to admit it, and the most tokens that it may write."""

    model: Model
    candidate: Candidate
    output_cap: int

    def largest_output(self, room_nano: int, room_tokens: int) -> int:
        """The most tokens that the model may be allowed to write for its hold to fit into this room; 0 = none."""
        most_in = self.candidate.hold_tokens - self.output_cap
        fits, too_many = 0, max(0, min(self.output_cap, room_tokens - most_in)) + 1
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if bound(most_in, middle, self.model.price) <= room_nano:
                fits = middle
            else:
                too_many = middle
        return fits if fits >= _least_cap(self.model) else 0


@dataclass(frozen=True, slots=True)
class PromptSize:
    """Bounds of a prompt's tokens: of its text, and how many images it has. Measured once, priced per model."""

    text_tokens: int
    images: int

    @classmethod
    def of(cls, request: ChatRequest) -> PromptSize:
        return cls(*prompt_bound(request.messages, request.params))

    def upper_bound(self, model: Model) -> int:
        """More than any tokeniser makes of it."""
        return self.text_tokens + self.images * model.max_image_tokens

    @property
    def estimated_tokens(self) -> int:
        """What it probably has, for choosing a context window."""
        return self.text_tokens // BYTES_PER_TOKEN

    def likely_tokens(self, model: Model) -> int:
        """What the model's provider will probably count."""
        return self.estimated_tokens + self.images * model.max_image_tokens


def bound_chat(request: ChatRequest, size: PromptSize, model: Model, catalog: Catalog) -> BoundedCandidate:
    """The candidate for a completion. Raises BudgetExceeded when the request's own token budget is too small."""
    cap = output_cap(request, size, model, catalog.default_output_cap)
    return _bounded(model, catalog, size.upper_bound(model), cap, size.likely_tokens(model))


def bound_embedding(request: EmbedRequest, model: Model, catalog: Catalog) -> BoundedCandidate:
    """The candidate for an embedding: a text has no more tokens than bytes."""
    sizes = (len(text.encode()) if isinstance(text, str) else len(text) for text in request.inputs)
    most = sum(sizes) + REQUEST_TOKENS * len(request.inputs)
    return _bounded(model, catalog, most, 0, most // BYTES_PER_TOKEN)


def output_cap(request: ChatRequest, size: PromptSize, model: Model, default_cap: int) -> int:
    """How many tokens the model may write: as asked, else the default, within the model's and the request's limits."""
    cap = max(output_limit(model, request, default_cap), _least_cap(model))
    if request.token_budget is None:
        return cap
    most_in = size.upper_bound(model)
    if request.token_budget <= most_in:
        raise BudgetExceeded(
            f"token_budget {request.token_budget} cannot cover the input, which may take {most_in} tokens. "
            "Raise it or shorten the messages.",
            param="token_budget",
        )
    return min(cap, request.token_budget - most_in)


def _bounded(model: Model, catalog: Catalog, most_in: int, most_out: int, likely_in: int) -> BoundedCandidate:
    provider = catalog.provider(model.provider)
    is_ours = not model.deployment.is_callers  # elsewhere nothing counts against what we agreed with the provider
    candidate = Candidate(
        provider=model.provider,
        deployment_id=model.deployment.id,
        hold_nano=bound(most_in, most_out, model.price),
        hold_tokens=most_in + most_out,
        rpm=(provider.rpm or 0) if is_ours else 0,
        tpm=(provider.tpm or 0) if is_ours else 0,
        likely_tokens=likely_in + most_out,
    )
    return BoundedCandidate(model, candidate, most_out)


def _least_cap(model: Model) -> int:
    return LEAST_OF_RESPONSES if model.deployment.mode == "responses" else 1
