"""Who translates for a provider's models: wires of our own, or LiteLLM."""

from __future__ import annotations

from gateway_core.config.documents import packaged
from gateway_core.domain.chat import Engine
from gateway_core.domain.errors import ConfigError
from gateway_core.wires.openai_chat import OPENAI_CHAT
from gateway_core.wires.table import PROVIDERS, traits_of

LITELLM_PROVIDERS = "litellm_providers.txt"
"""LiteLLM's names for providers, one a line."""


def engine_of(provider: str, asked: Engine | None, where: str) -> Engine:
    """The engine of a provider of the configuration, which may ask for one. Raises ConfigError that names the field."""
    if asked == "native" and not _has_codec(provider):
        raise ConfigError(f"{where}.engine: the gateway has no wire of its own for '{provider}'. Set it to litellm.")
    return asked or _default(provider)


def _has_codec(provider: str) -> bool:
    # Here, not above: functions that call no model start without the codecs.
    from gateway_core.wires.codecs import has_codec  # noqa: PLC0415

    return has_codec(provider)


def _default(provider: str) -> Engine:
    """Native where we have its wire, or where LiteLLM has no dialect of OpenAI's for it."""
    traits = traits_of(provider)
    plain = traits.chat is OPENAI_CHAT and (traits.litellm.by_openai_sdk or not _litellm_knows(provider))
    return "native" if traits.native or plain else "litellm"


def _litellm_knows(provider: str) -> bool:
    return provider in PROVIDERS or provider in packaged(LITELLM_PROVIDERS).split()
