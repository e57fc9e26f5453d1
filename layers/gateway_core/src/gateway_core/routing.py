"""Which models may serve a request, and in which order. Pure: everything it needs arrives as arguments.

Capabilities filter first, then `order` keeps the configured order, `cost` prefers the cheapest within a quality tier,
and `latency` what answered fastest lately, with the unknown first, so that it becomes known. Candidates that are left
out are values with a reason, not silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from gateway_core.domain import ChatRequest, Drop, EmbedRequest, Json, Model, Plan
from gateway_core.errors import ContextLengthError, InvalidRequest, LLMError

DEFAULT_GROUP = "reasoning"
NO_LATENCIES: Mapping[str, float] = {}


class ModelIndex(Protocol):
    """What routing asks of the catalog. Both methods raise UnknownModel."""

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]: ...

    def resolve(self, name: str) -> Model: ...

    def group(self, name: str) -> Sequence[Model]: ...


type Asked = ChatRequest | EmbedRequest


def plan(
    request: ChatRequest, index: ModelIndex, input_tokens: int, latencies_ms: Mapping[str, float] = NO_LATENCIES
) -> Plan:
    """Order the candidates for `request`, whose prompt has about `input_tokens` tokens.

    `latencies_ms` are by deployment id; only routing by latency looks at them.
    Raises UnknownModel, and InvalidRequest or ContextLengthError when no candidate can serve the request.
    """
    pool = _pool(request, index, DEFAULT_GROUP)
    needs = required_capabilities(request)
    drops = [drop for model in pool if (drop := _unfit(model, request, needs, input_tokens))]
    dropped = {drop.model for drop in drops}
    fit = [model for model in pool if model.key not in dropped]
    if not fit:
        raise _none_fits(request, drops)
    ordered = _ordered(fit, request, latencies_ms)
    return Plan(tuple(ordered if may_fall_back(request, pool) else ordered[:1]), tuple(drops))


def plan_embedding(request: EmbedRequest, index: ModelIndex) -> Plan:
    """Order the candidates for an embedding. Raises UnknownModel, and InvalidRequest when none can serve."""
    pool = _pool(request, index, "embedding")
    drops = [drop for model in pool if (drop := _cannot_embed(model, request))]
    dropped = {drop.model for drop in drops}
    fit = [model for model in pool if model.key not in dropped]
    if not fit:
        raise _none_fits(request, drops)
    return Plan(tuple(fit if may_fall_back(request, pool) else fit[:1]), tuple(drops))


def required_capabilities(request: ChatRequest) -> frozenset[str]:
    """What the request names in `require`, and what its content and options imply."""
    implied = set(request.require)
    if any(_has_image(message) for message in request.messages):
        implied.add("vision")
    if request.params.get("tools"):
        implied.add("tools")
    if _wants_json(request.params.get("response_format")):
        implied.add("json")
    return frozenset(implied)


def may_fall_back(request: Asked, pool: Sequence[Model]) -> bool:
    """The request's own wish; else yes for a group, and for a model only if its catalog entry lists fallbacks."""
    if request.fallback is not None:
        return request.fallback
    return request.model is None or bool(pool[0].fallbacks)


def longer_context(candidates: Iterable[Model], than: Model) -> list[Model]:
    """The candidates that read more than `than` does, in their order."""
    return [model for model in candidates if model.context_window > than.context_window]


def _pool(request: Asked, index: ModelIndex, default_group: str) -> list[Model]:
    if request.model is None:
        return list(index.group(request.model_group or default_group))
    first = index.resolve(request.model)
    others = [index.resolve(key) for key in first.fallbacks]
    if not others and request.fallback and request.model_group:
        others = list(index.group(request.model_group))
    return [first, *(model for model in others if model.key != first.key)]


def _unfit(model: Model, request: ChatRequest, needs: frozenset[str], input_tokens: int) -> Drop | None:
    def drop(reason: str, detail: str) -> Drop:
        return Drop(model.key, model.provider, reason, detail)

    if model.deployment.mode == "embedding":
        return drop("mode", f"{model.key} makes embeddings, not completions")
    if missing := needs - model.capabilities:
        return drop("capability", f"{model.key} lacks {', '.join(sorted(missing))}")
    wanted = request.max_output_tokens or 0
    if wanted > model.max_output_tokens:
        return drop("max_output", f"{model.key} writes at most {model.max_output_tokens} tokens")
    if input_tokens > model.context_window:
        return drop("context", f"{model.key} reads at most {model.context_window} tokens")
    return None


def _cannot_embed(model: Model, request: EmbedRequest) -> Drop | None:
    if model.deployment.mode != "embedding":
        return Drop(model.key, model.provider, "mode", f"{model.key} makes completions, not embeddings")
    if request.dimensions and "dimensions" not in model.capabilities:
        return Drop(model.key, model.provider, "capability", f"{model.key} cannot shorten its vectors (dimensions)")
    return None


def _none_fits(request: Asked, drops: Sequence[Drop]) -> LLMError:
    reasons = {drop.reason for drop in drops}
    text = "; ".join(drop.detail for drop in drops)
    if reasons == {"context"}:
        return ContextLengthError(f"The messages are too long: {text}. Shorten them or choose another model.")
    param = "model" if request.model else "model_group"
    if reasons == {"max_output"}:
        param = "max_tokens"
    return InvalidRequest(f"No candidate can serve this request: {text}.", param=param)


def _ordered(models: list[Model], request: ChatRequest, latencies_ms: Mapping[str, float]) -> list[Model]:
    if request.model is not None or request.routing == "order":
        return models
    if request.routing == "latency":
        return sorted(models, key=lambda model: latencies_ms.get(model.deployment.id, 0.0))
    return sorted(models, key=lambda model: (model.tier, model.price.input + model.price.output))


def _has_image(message: Json) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(part.get("type") == "image_url" for part in content)


def _wants_json(response_format: object) -> bool:
    return isinstance(response_format, dict) and response_format.get("type") in {"json_object", "json_schema"}
