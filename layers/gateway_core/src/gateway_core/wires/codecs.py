"""Which codec a deployment is called by, and what its engine cannot carry: read by routing before anybody is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from gateway_core.domain.chat import Deployment, Json, Model, ProviderCall, Spoken
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.anthropic.codec import ANTHROPIC_CODEC
from gateway_core.wires.codec import Codec, Objection
from gateway_core.wires.demands import Demands, unmet
from gateway_core.wires.fit import misfit
from gateway_core.wires.foreign import FOREIGN_CANNOT, foreign_objection
from gateway_core.wires.gemini import GEMINI
from gateway_core.wires.gemini.codec import GEMINI_CODEC
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.openai_chat.codec import OPENAI_CHAT_CODEC
from gateway_core.wires.openai_responses import OPENAI_RESPONSES
from gateway_core.wires.openai_responses.codec import OPENAI_RESPONSES_CODEC
from gateway_core.wires.table import traits_of, wire_of

CODECS: Mapping[str, Codec] = MappingProxyType(
    {
        ANTHROPIC.name: ANTHROPIC_CODEC,
        GEMINI.name: GEMINI_CODEC,
        OPENAI_CHAT.name: OPENAI_CHAT_CODEC,
        OPENAI_RESPONSES.name: OPENAI_RESPONSES_CODEC,
    }
)
"""By the name of the wire; LiteLLM translates to all others."""


def codec_of(deployment: Deployment) -> Codec | None:
    """The codec by which it is called; None where LiteLLM translates."""
    return CODECS.get(wire_of(deployment).name) if deployment.engine == "native" else None


def speaks(deployment: Deployment, spoken: Spoken) -> bool:
    """Whether it takes what came on the caller's wire as it is."""
    return codec_of(deployment) is not None and wire_of(deployment).name == spoken.wire


def as_spoken(model: Model, spoken: Spoken | None) -> Model:
    """The model as it is called for this request: on the caller's own wire where its provider serves it there as well.

    It stays the same deployment: its breaker, its limits and its price are those of the model.
    """
    where = model.deployment
    wanted = spoken is not None and spoken.wire == OPENAI_RESPONSES.name and where.mode == "chat"
    if not wanted or where.engine != "native" or not traits_of(where.provider).serves_responses:
        return model
    rules = replace(model.rules, cannot=model.rules.cannot - _OF_CHAT_ALONE)
    return replace(model, deployment=replace(where, mode="responses"), rules=rules)


_OF_CHAT_ALONE = frozenset({"image_result"})
"""What OpenAI's models cannot on its chat wire, and can on the other."""


def unsaid_to(call: ProviderCall) -> tuple[str, ...]:
    """What of the caller's fields the deployment is not told, as it speaks another wire."""
    return call.spoken.unsaid if call.spoken and not speaks(call.deployment, call.spoken) else ()


def objection_to(
    model: Model, demands: Demands, messages: Sequence[Json], params: Json, spoken: Spoken | None = None
) -> Objection | None:
    """Why the model cannot serve a request that makes these demands; None if it can."""
    codec, rules = codec_of(model.deployment), model.rules
    if spoken and spoken.bound and not speaks(model.deployment, spoken):
        return Objection(*spoken.bound[0])
    if spoken and speaks(model.deployment, spoken):
        demands = {**demands, **dict(spoken.demands)}
    by_rules = unmet(demands, (codec.cannot if codec else FOREIGN_CANNOT) | rules.cannot) or misfit(params, rules)
    if codec is None and (provided := CODECS.get(wire_of(model.deployment).name)):
        # What a provider does not take, it takes from nobody.
        by_rules = by_rules or provided.objection(messages, params, rules)
    if codec is None:
        return by_rules or foreign_objection(wire_of(model.deployment), messages, params)
    return by_rules or codec.objection(messages, params, rules)


def has_codec(provider: str) -> bool:
    """Whether the provider's chat wire is one of ours."""
    return traits_of(provider).chat.name in CODECS
