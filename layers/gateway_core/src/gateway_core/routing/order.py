"""In which order fit candidates are tried. Pure: the moment, and chance itself, arrive as arguments.

* `order`: as configured.
* `cost`: the best quality tier first; within it, what this request is expected to cost.
* `latency`: who has not been measured yet, then who was fastest lately, then who rests after failures. One request in
  `EXPLORED` tries first whoever was measured longest ago, if that is `STALE_MS` or more: a model that was slow once
  gets no requests, and without them nobody would learn that it has recovered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway_core.domain.answer import Usage
from gateway_core.domain.chat import ChatRequest, Model
from gateway_core.domain.cost import price
from gateway_core.domain.terms import choices_of
from gateway_core.store.deployment_state import DeploymentState, Measured
from gateway_core.store.messages import STALE_MS

EXPLORED = 20


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The moment that a plan is made for.

    `estimated_tokens` is a guess of the prompt's length; `counted`, by model key, is its exact length for each model
    whose window might be too short. `states`, by provider and deployment id, is what the fleet knows. `draw` is uniform
    in [0, 1).
    """

    estimated_tokens: int = 0
    counted: Mapping[str, int] = field(default_factory=dict)
    states: Mapping[tuple[str, str], DeploymentState] = field(default_factory=dict)
    now_ms: int = 0
    streams: bool = False
    draw: float = 1.0

    def input_tokens(self, model: Model) -> int:
        """The prompt's length for `model`, as well as it is known."""
        return self.counted.get(model.key, self.estimated_tokens)

    def state_of(self, model: Model) -> DeploymentState | None:
        """What is known of the model's deployment."""
        return self.states.get((model.provider, model.deployment.id))

    def measured(self, model: Model) -> Measured | None:
        """The average that counts for this request: until the first content if it streams, else until the end."""
        state = self.state_of(model)
        return None if state is None else state.first_content if self.streams else state.whole_answer

    def rests_ms(self, model: Model) -> int:
        """For how long its breaker lets nobody through; 0 = it does."""
        state = self.state_of(model)
        return 0 if state is None or state.state in ("closed", "unknown") else max(0, state.until_ms - self.now_ms)


def ordered(models: Sequence[Model], request: ChatRequest, snapshot: Snapshot, default_cap: int) -> list[Model]:
    """`models` in the order in which to try them. An explicit model and its fallbacks stay as they are."""
    if request.model is not None or request.routing == "order":
        return list(models)
    if request.routing == "cost":
        return sorted(models, key=lambda model: (model.tier, expected_nano(model, request, snapshot, default_cap)))
    return _by_latency(models, snapshot)


def output_limit(model: Model, request: ChatRequest, default_cap: int) -> int:
    """How many tokens the model may write for `request`, its own token budget aside."""
    wanted = request.max_output_tokens or request.default_output_tokens or default_cap
    return min(wanted, model.max_output_tokens)


def expected_nano(model: Model, request: ChatRequest, snapshot: Snapshot, default_cap: int) -> int:
    """What the request would cost in nano-USD with answers that use their limit up and nothing in the cache."""
    written = output_limit(model, request, default_cap) * choices_of(request.params)
    usage = Usage(snapshot.input_tokens(model), written)
    return price(usage, model.price, input_includes_cached=True).total_nano


def _by_latency(models: Sequence[Model], snapshot: Snapshot) -> list[Model]:
    fastest = sorted(models, key=lambda model: (snapshot.rests_ms(model), _average_ms(model, snapshot)))
    explored = _explored(models, snapshot)
    return fastest if explored is None else [explored, *(model for model in fastest if model is not explored)]


def _average_ms(model: Model, snapshot: Snapshot) -> float:
    measured = snapshot.measured(model)
    return measured.average_ms if measured else 0.0


def _explored(models: Sequence[Model], snapshot: Snapshot) -> Model | None:
    """The model to measure again, if this request is one of those that do."""
    if snapshot.draw * EXPLORED >= 1:
        return None
    known = {m.key: seen.at_ms for m in models if (seen := snapshot.measured(m)) and not snapshot.rests_ms(m)}
    stale = {key: at_ms for key, at_ms in known.items() if snapshot.now_ms - at_ms >= STALE_MS}
    return next((m for m in models if stale and m.key == min(stale, key=lambda key: stale[key])), None)
