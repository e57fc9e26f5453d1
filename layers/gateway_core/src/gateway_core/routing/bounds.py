"""What is held for a request at each candidate: the bound of its cost and tokens. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest, Json, Model
from gateway_core.domain.cost import bound
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import BudgetExceeded
from gateway_core.domain.prompt import REQUEST_TOKENS, PromptContent, prompt_bound, with_beside
from gateway_core.domain.terms import PLAIN, Terms, choices_of, sent_service_tier, speaks
from gateway_core.routing.order import output_limit
from gateway_core.store.messages import Candidate

BYTES_PER_TOKEN = 4
"""English text has about four bytes a token. Only routing relies on it; money relies on the bound."""
LEAST_OF_RESPONSES = 16
"""OpenAI's Responses API takes no lower limit, so less cannot be held either."""


@dataclass(frozen=True, slots=True)
class BoundedCandidate:
    """A model that may be tried: what the store needs to admit it, and the most tokens that an answer may have.

    `cut`: these are fewer than the request asks for, so that they fit into a budget or are within the model's limit.
    """

    model: Model
    candidate: Candidate
    output_cap: int
    terms: Terms = PLAIN
    cut: bool = False

    @property
    def most_input(self) -> int:
        """The most tokens that its input can have."""
        return self.candidate.hold_tokens - self.most_output

    @property
    def most_output(self) -> int:
        """The most tokens that all its answers together can have."""
        return self.output_cap * self.terms.choices

    def dropped(self, params: tuple[str, ...]) -> tuple[str, ...]:
        """What was dropped of a request here, and the cap of the output where that was cut."""
        return (*params, "max_tokens") if self.cut and "max_tokens" not in params else params

    def within(self, most_input: int, output_cap: int, *, cut: bool = False) -> BoundedCandidate:
        """The same with these bounds, none of them larger than its own."""
        most_output = output_cap * self.terms.choices
        likely = self.candidate.likely_tokens - (self.most_output - most_output)
        candidate = replace(
            self.candidate,
            hold_nano=bound(most_input, most_output, self.model.price, self.terms),
            hold_tokens=most_input + most_output,
            likely_tokens=max(0, likely),
        )
        return replace(self, candidate=candidate, output_cap=output_cap, cut=self.cut or cut)

    def largest_output(self, room_nano: int, room_tokens: int) -> int:
        """The most tokens that an answer may be allowed to have for the hold to fit into this room; 0 = none."""
        choices = self.terms.choices
        most_in = self.most_input
        fits, too_many = 0, max(0, min(self.output_cap, (room_tokens - most_in) // choices)) + 1
        while too_many - fits > 1:
            middle = (fits + too_many) // 2
            if bound(most_in, middle * choices, self.model.price, self.terms) <= room_nano:
                fits = middle
            else:
                too_many = middle
        return fits if fits >= _least_cap(self.model) else 0


class PromptSize(PromptContent):
    """Bounds of a prompt's tokens. Measured once, priced per model."""

    __slots__ = ()

    @classmethod
    def of(cls, request: ChatRequest) -> PromptSize:
        found = prompt_bound(request.messages, request.params)
        return cls(*(with_beside(found, request.spoken.beside) if request.spoken else found))

    def upper_bound(self, model: Model) -> int:
        """More than any tokeniser makes of it; with a document, all that the model reads."""
        counted = self.text_tokens + self.audio_tokens + self.images * model.max_image_tokens
        return max(counted, model.context_window) if self.documents else counted

    @property
    def estimated_tokens(self) -> int:
        """What it probably has, for choosing a context window."""
        return (self.text_tokens + self.document_bytes) // BYTES_PER_TOKEN + self.audio_tokens

    def likely_tokens(self, model: Model) -> int:
        """What the model's provider will probably count."""
        return self.estimated_tokens + self.images * model.max_image_tokens


def bound_chat(request: ChatRequest, size: PromptSize, model: Model, catalog: Catalog) -> BoundedCandidate:
    """The candidate for a completion. Raises BudgetExceeded when the request's own token budget is too small."""
    cap = output_cap(request, size, model, catalog.default_output_cap)
    terms = terms_of(request, size, model)
    bounded = _bounded(model, catalog, size.upper_bound(model), cap, size.likely_tokens(model), terms)
    is_above = request.caps_output and (request.max_output_tokens or 0) > model.max_output_tokens
    return replace(bounded, cut=True) if is_above else bounded


def terms_of(request: ChatRequest, size: PromptSize, model: Model) -> Terms:
    """What the request lets the model's provider bill. Raises InvalidRequest for a wrong number of answers."""
    params = _sent_params(request, model)
    return Terms(sent_service_tier(params), choices_of(params), size.hour_writes, size.hears, speaks(params))


def bound_embedding(request: EmbedRequest, model: Model, catalog: Catalog) -> BoundedCandidate:
    """The candidate for an embedding: a text has no more tokens than bytes."""
    sizes = (len(text.encode()) if isinstance(text, str) else len(text) for text in request.inputs)
    most = sum(sizes) + REQUEST_TOKENS * len(request.inputs)
    return _bounded(model, catalog, most, 0, most // BYTES_PER_TOKEN)


def output_cap(request: ChatRequest, size: PromptSize, model: Model, default_cap: int) -> int:
    """How many tokens an answer may have: as asked, else the default, within the model's and the request's limits.

    Raises BudgetExceeded when the request's own budget does not cover its input and a token of each answer, and
    InvalidRequest for a wrong number of answers.
    """
    cap = max(output_limit(model, request, default_cap), _least_cap(model))
    if request.token_budget is None:
        return cap
    most_in = size.upper_bound(model)
    left = (request.token_budget - most_in) // choices_of(_sent_params(request, model))
    if left < 1:
        raise BudgetExceeded(
            f"token_budget {request.token_budget} cannot cover the input, which may take {most_in} tokens. "
            "Raise it or shorten the messages.",
            param="token_budget",
        )
    return min(cap, left)


def _sent_params(request: ChatRequest, model: Model) -> Json:
    return {**request.params, **model.fixed_params} if model.fixed_params else request.params


def _bounded(
    model: Model, catalog: Catalog, most_in: int, cap: int, likely_in: int, terms: Terms = PLAIN
) -> BoundedCandidate:
    provider, most_out = catalog.provider(model.provider), cap * terms.choices
    is_ours = not model.deployment.is_callers  # elsewhere nothing counts against what we agreed with the provider
    candidate = Candidate(
        provider=model.provider,
        deployment_id=model.deployment.id,
        hold_nano=bound(most_in, most_out, model.price, terms),
        hold_tokens=most_in + most_out,
        rpm=(provider.rpm or 0) if is_ours else 0,
        tpm=(provider.tpm or 0) if is_ours else 0,
        likely_tokens=likely_in + most_out,
    )
    return BoundedCandidate(model, candidate, cap, terms)


def _least_cap(model: Model) -> int:
    return LEAST_OF_RESPONSES if model.deployment.mode == "responses" else 1
