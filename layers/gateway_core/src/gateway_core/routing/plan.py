"""Which models may serve a request, and in which order. Pure: everything it needs arrives as arguments.

Capabilities and the context window filter first, then `order` decides. Candidates that are left out are values with
a reason, not silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from gateway_core.domain.api_base import check_key
from gateway_core.domain.caller import Caller
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.chat import ChatRequest, Json, Model
from gateway_core.domain.embedding import EmbedRequest
from gateway_core.domain.errors import Forbidden, InvalidRequest, LLMError
from gateway_core.domain.provider_errors import ContextLengthError
from gateway_core.domain.result import Drop, Plan
from gateway_core.routing.order import Snapshot, ordered, output_limit
from gateway_core.wires.codecs import as_spoken, objection_to
from gateway_core.wires.demands import Demands, demands_of

DEFAULT_GROUP, EMBEDDING_GROUP = "reasoning", "embedding"
_JSON_FORMATS = {"json_object": "json", "json_schema": "json_schema"}


type Asked = ChatRequest | EmbedRequest


type Reachable = frozenset[str] | None
"""The keys of the models that a caller may use, the one asked for among them; None for all."""


def plan(request: ChatRequest, catalog: Catalog, snapshot: Snapshot, reachable: Reachable = None) -> Plan:
    """Order the candidates for `request`.

    A model's window is only held against a prompt that `snapshot` has counted for it: see `uncertain`.
    Raises UnknownModel, and InvalidRequest or ContextLengthError when no candidate can serve the request.
    """
    pool = _within(reachable, candidates(request, catalog))
    needs, demands = required_capabilities(request), demands_of(request.messages, request.params)
    cap = catalog.default_output_cap
    drops = [
        drop
        for model in pool
        if (drop := _unfit(model, request, needs, snapshot, cap) or _unsaid(model, request, demands))
    ]
    fit = _without(pool, drops)
    if not fit:
        raise _none_fits(request, drops)
    chosen = ordered(fit, request, snapshot, catalog.default_output_cap)
    tried = len(chosen) if may_fall_back(request, pool) else 1
    return Plan(tuple(chosen[:tried]), tuple(drops), tuple(chosen[tried:]))


def plan_embedding(request: EmbedRequest, catalog: Catalog, reachable: Reachable = None) -> Plan:
    """Order the candidates for an embedding. Raises UnknownModel, and InvalidRequest when none can serve."""
    pool = _within(reachable, _pool(request, catalog, EMBEDDING_GROUP))
    drops = [drop for model in pool if (drop := _cannot_embed(model, request))]
    fit = _without(pool, drops)
    if not fit:
        raise _none_fits(request, drops)
    return Plan(tuple(fit if may_fall_back(request, pool) else fit[:1]), tuple(drops))


def candidates(request: ChatRequest, catalog: Catalog) -> list[Model]:
    """All that `request` names, fit or not, in the configured order. Raises UnknownModel.

    Who serves a model on several wires is called on the caller's own.
    """
    return [as_spoken(model, request.spoken) for model in _pool(request, catalog, DEFAULT_GROUP)]


def uncertain(request: ChatRequest, catalog: Catalog, upper_bound: Callable[[Model], int]) -> list[Model]:
    """The candidates for which the prompt has to be counted: able ones that its bound might not fit into.

    `upper_bound` is the bound, which no tokeniser exceeds, and is about four times what English text has.
    """
    cap, needs = catalog.default_output_cap, required_capabilities(request)
    chatting = (model for model in candidates(request, catalog) if model.deployment.mode != "embedding")
    able = (model for model in chatting if needs <= model.capabilities)
    return [m for m in able if not _fits(m, upper_bound(m), output_limit(m, request, cap))]


def required_capabilities(request: ChatRequest) -> frozenset[str]:
    """What the request names in `require`, and what its content and options imply."""
    implied = set(request.require)
    if any(_has_image(message) for message in request.messages):
        implied.add("vision")
    if request.params.get("tools"):
        implied.add("tools")
    if (format_ := _format(request)) in _JSON_FORMATS:
        implied.add(_JSON_FORMATS[format_])
    return frozenset(implied)


def may_fall_back(request: Asked, pool: Sequence[Model]) -> bool:
    """The request's own wish; else yes for a group, and for a model only if its catalog entry lists fallbacks."""
    if request.fallback is not None:
        return request.fallback
    return request.model is None or bool(pool[0].fallbacks)


def longer_context(others: Iterable[Model], than: Model) -> list[Model]:
    """The others that read more than `than` does, in their order."""
    return [model for model in others if model.context_window > than.context_window]


def _pool(request: Asked, catalog: Catalog, default_group: str) -> list[Model]:
    if request.model is None:
        if isinstance(request, ChatRequest) and request.api_base is not None:
            raise InvalidRequest("api_base needs a model: name one that is served there.", param="api_base")
        return list(catalog.group(request.model_group or default_group))
    if isinstance(request, ChatRequest) and request.api_base is not None:
        return [catalog.resolve(request.model, request.api_base)]
    first = catalog.resolve(request.model)
    others = [catalog.resolve(key) for key in first.fallbacks]
    if not others and request.fallback and request.model_group:
        others = list(catalog.group(request.model_group))
    return [first, *(model for model in others if model.key != first.key)]


def _within(reachable: Reachable, pool: list[Model]) -> list[Model]:
    return [model for model in pool if reachable is None or model.key in reachable]


def _without(pool: Iterable[Model], drops: Iterable[Drop]) -> list[Model]:
    dropped = {drop.model for drop in drops}
    return [model for model in pool if model.key not in dropped]


def _fits(model: Model, input_tokens: int, output_tokens: int) -> bool:
    return input_tokens + (output_tokens if model.output_shares_window else 0) <= model.context_window


def _unfit(
    model: Model, request: ChatRequest, needs: frozenset[str], snapshot: Snapshot, default_cap: int
) -> Drop | None:
    def drop(reason: str, detail: str) -> Drop:
        return Drop(model.key, model.provider, reason, detail)

    if model.deployment.mode == "embedding":
        return drop("mode", f"{model.key} makes embeddings, not completions")
    if missing := needs - model.capabilities:
        return drop("capability", f"{model.key} lacks {', '.join(sorted(missing))}")
    wanted = request.max_output_tokens or 0
    if wanted > model.max_output_tokens and not request.caps_output:
        return drop("max_output", f"{model.key} writes at most {model.max_output_tokens} tokens")
    counted, limit = snapshot.counted.get(model.key, 0), output_limit(model, request, default_cap)
    if not _fits(model, counted, limit):
        answer = f" and {limit} for the answer" if model.output_shares_window else ""
        return drop("context", f"{model.key} has room for {model.context_window} tokens, not {counted}{answer}")
    return None


def _unsaid(model: Model, request: ChatRequest, demands: Demands) -> Drop | None:
    """Who cannot be told what the request says, or cannot do it."""
    objection = objection_to(model, demands, request.messages, request.params, request.spoken)
    if objection is None:
        return None
    return Drop(model.key, model.provider, "unsupported", f"{model.key} {objection.detail}", objection.param)


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
        remedy = "Shorten them, lower max_tokens or choose another model."
        return ContextLengthError(f"The messages are too long: {text}. {remedy}")
    param = next((drop.param for drop in drops if drop.param), "model" if request.model else "model_group")
    if reasons == {"max_output"}:
        param = "max_tokens"
    return InvalidRequest(f"No candidate can serve this request: {text}.", param=param)


def _has_image(message: Json) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(part.get("type") == "image_url" for part in content)


def _format(request: ChatRequest) -> str:
    wanted = request.params.get("response_format")
    return str(wanted.get("type")) if isinstance(wanted, dict) else ""


def reachable_models(caller: Caller, request: Asked, catalog: Catalog) -> frozenset[str] | None:
    """The keys of the models that the caller may use, None for all. Raises Forbidden if the one asked for is not.

    An identifier outside the catalog takes a right of its own, and so does a base URL.
    """
    if isinstance(request, ChatRequest) and request.api_base is not None:
        check_key(caller, request.api_base)
    outside = _outside(caller, request, catalog)
    usable = catalog.usable(caller)
    if usable is None:
        return None
    reachable = usable | outside
    if request.model is not None and not outside and catalog.resolve(request.model).key not in reachable:
        raise _not_allowed(caller, "model")
    if request.model is None and not _may_use_group(request, caller, catalog, reachable):
        raise _not_allowed(caller, "model_group")
    return reachable


def _may_use_group(request: Asked, caller: Caller, catalog: Catalog, reachable: frozenset[str]) -> bool:
    if caller.groups and request.model_group not in caller.groups:
        return False
    default = DEFAULT_GROUP if isinstance(request, ChatRequest) else EMBEDDING_GROUP
    return any(model.key in reachable for model in _pool(request, catalog, default))


def _not_allowed(caller: Caller, param: str) -> Forbidden:
    rights = {"model groups": caller.groups, "models": caller.catalog_models}
    allowed = [f"these {what}: {', '.join(sorted(names))}" for what, names in rights.items() if names]
    return Forbidden(f"This key may only use {', and of '.join(allowed)}.", param=param)


def _outside(caller: Caller, request: Asked, catalog: Catalog) -> frozenset[str]:
    """The key of the model asked for if the catalog does not have it. Raises Forbidden if the caller may not use it."""
    asked = _pool(request, catalog, "")[0] if request.model else None
    if asked is None or asked.listed:
        return frozenset()
    key = asked.key
    if not caller.may_use_outside(key):
        raise Forbidden(
            f"This key may not use '{key}', which is outside the catalog. "
            f"Ask for one that may: gateway keys create --project ID --models '{key}'.",
            param="model",
        )
    return frozenset({key})
