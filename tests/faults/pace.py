"""How long gateways wait, and what they are configured with."""

from __future__ import annotations

from dataclasses import dataclass

from tests.engines import engine
from tests.faults.expectations import CHAT, CHOOSERS, EMBEDDING, MODELS
from tests.patience import patience

CONFIG = """
providers: {{{providers}}}
models:
  gpt-nano:
    provider: openai
    upstream: gpt-5-nano
    tier: 3
    context_window: 272000
    max_output_tokens: 8000
  text-embedding-3-small:
    provider: openai
    upstream: text-embedding-3-small
    mode: embedding
    tier: 1
    capabilities: [dimensions, embeddings]
    context_window: 8191
    max_output_tokens: 0
groups:
  trio: [{chat}]
  choosers: [{choosers}]
  vectors: [{embedding}]
limits: {{default_timeout_s: {deadline_s}, max_stream_timeout_s: {deadline_s}, stall_timeout_s: {patience_s}}}
store: {{timeout_s: 30, connect_timeout_s: 30}}
pricing: {{models: {{{prices}}}}}
{more}
"""


ONCE = "failover: {retries: 0}"
"""Each candidate is asked once: what asking again does has tests of its own."""


@dataclass(frozen=True)
class Pace:
    """How long a gateway waits: for one attempt while others are left, or in the middle of a stream, and altogether."""

    patience_s: float
    deadline_s: float


PATIENT = Pace(270, 280)
"""Longer than any test waits."""
_MOST_PATIENCE_S = 40


def hurried() -> Pace:
    """For silent providers. Three attempts at full length fit in: a shorter one would be the caller's own doing."""
    patience_s = min(round(patience(1)), _MOST_PATIENCE_S)  # in whole seconds: each pace has a gateway of its own
    return Pace(patience_s, 4 * patience_s)


def config(pace: Pace, ours: frozenset[str]) -> str:
    """A config.yaml with the models of the tables at their prices; wires of our own serve those of some providers."""
    providers = (
        f"{name}: {{timeout_s: {pace.patience_s}, engine: {engine(name, ours)}}}"
        for name in ("anthropic", "openai", "gemini")
    )
    prices = (f"{one.key}: {{input: {one.input_usd}, output: {one.output_usd}}}" for one in MODELS)
    return CONFIG.format(
        providers=", ".join(providers),
        patience_s=pace.patience_s,
        deadline_s=pace.deadline_s,
        chat=", ".join(one.key for one in CHAT),
        choosers=", ".join(one.key for one in CHOOSERS),
        embedding=", ".join(one.key for one in EMBEDDING),
        prices=", ".join(prices),
        more=ONCE,
    )
