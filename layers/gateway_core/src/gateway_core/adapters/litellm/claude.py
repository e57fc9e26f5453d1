"""What Claude takes beyond other models where LiteLLM calls it: signed thoughts, and marks for its cache."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from gateway_core.domain.chat import Deployment, Json
from gateway_core.wires.anthropic import ANTHROPIC
from gateway_core.wires.bedrock import BEDROCK
from gateway_core.wires.shapes import items, mapping
from gateway_core.wires.table import maker_of, traits_of, wire_of

MARK = "cache_control"


class Marks(NamedTuple):
    """Whether `cache_control` goes to a model, and whether one that asks for an hour does as it is."""

    taken: bool = False
    hours: bool = False


NO_MARKS = Marks()


def asks_for_hours(marked: Iterable[Json]) -> bool:
    """Whether a message, a part of one or a tool is marked for an hour and not for the usual five minutes."""
    parts = (mapping(one) for each in marked for one in (each, *items(each.get("content"))))
    return any(mapping(part.get(MARK)).get("ttl") == "1h" for part in parts)


def signs_thoughts(deployment: Deployment) -> bool:
    """Whether it is Claude on Bedrock's wire, whose thoughts come signed, and go back so."""
    maker, _ = maker_of(deployment.provider, deployment.upstream_model)
    return wire_of(deployment) is BEDROCK and traits_of(maker).chat is ANTHROPIC


def marks_of(litellm: Any, deployment: Deployment) -> Marks:
    """By LiteLLM's map of models: it leaves out marks, without a word, of those that it knows to have no cache.

    Those that it does not know at all it sends marks, for which they may refuse the request: they get none.
    """
    if not signs_thoughts(deployment):
        return NO_MARKS
    known, model = litellm.llms.bedrock.common_utils, deployment.upstream_model
    is_known = any(name in litellm.model_cost for name in (model, known.get_bedrock_base_model(model)))
    taken = is_known and bool(known.bedrock_model_accepts_cache_points(model))
    return Marks(taken, taken and bool(known.is_claude_4_5_on_bedrock(model)))
