"""How sure a model says that it is."""

from __future__ import annotations

import math

from gateway_core.wires.shapes import first, items, mapping


def confidence_of(body: object) -> float | None:
    """From 0 to 1: as a body says it, else exp(mean log-probability) of its tokens; None if neither is told."""
    choice = first(mapping(body).get("choices"))
    named = mapping(body).get("confidence", choice.get("confidence"))
    if isinstance(named, int | float) and not isinstance(named, bool) and 0 <= named <= 1:
        return float(named)
    tokens = [mapping(token).get("logprob") for token in items(mapping(choice.get("logprobs")).get("content"))]
    mean = first(mapping(body).get("candidates")).get("avgLogprobs")  # Google's wire tells it unasked
    tokens = tokens if mean is None else [mean]
    known = [value for value in tokens if isinstance(value, int | float) and not isinstance(value, bool) and value <= 0]
    return math.exp(sum(known) / len(known)) if known and len(known) == len(tokens) else None
