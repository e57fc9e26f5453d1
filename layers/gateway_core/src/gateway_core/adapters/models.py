"""Whoever serves models, by both engines: wires of our own, and LiteLLM once somebody needs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway_core.adapters.native import NativeEngine
from gateway_core.adapters.tokens import PromptCounter
from gateway_core.adapters.upstream.attempts import MAX_RESPONSE_BYTES, Attempts
from gateway_core.adapters.upstream.connections import Connections
from gateway_core.adapters.upstream.guarded import LookUp, addresses_of
from gateway_core.adapters.upstream.network import Network, OpenSigning
from gateway_core.adapters.upstream.provider import LazyEngine, TranslationEngine, UpstreamProvider
from gateway_core.domain.credentials import Credential
from gateway_core.ports import Clock


def model_provider(
    credentials: Mapping[str, Credential],
    clock: Clock,
    *,
    max_response_bytes: int = MAX_RESPONSE_BYTES,
    connect: Callable[[], Network] | None = None,
    look_up: LookUp = addresses_of,
    signing: OpenSigning | None = None,
    counter: PromptCounter | None = None,
) -> UpstreamProvider:
    """A provider with these credentials; see `Attempts` and `Connections` for the rest, its own counter if none."""
    attempts = Attempts(dict(credentials), clock, Connections(connect, look_up), max_response_bytes, signing)
    return UpstreamProvider(attempts, NativeEngine(), LazyEngine(_litellm), counter)


def _litellm() -> TranslationEngine:
    # Here, not above: it costs seconds, and most processes never call anybody through it.
    from gateway_core.adapters.litellm import LiteLLMEngine  # noqa: PLC0415

    return LiteLLMEngine.load()
