"""Both engines in one run: each serves some providers' models in half of the processes, and the others' in the rest."""

from __future__ import annotations

import json

OURS = (frozenset({"anthropic", "gemini"}), frozenset({"openai", "deepseek"}))
"""Whose models wires of our own serve, by process in turn; LiteLLM serves the rest."""
_EVERYBODY = sorted(frozenset().union(*OURS))


def engine(provider: str, ours: frozenset[str]) -> str:
    """Who serves its models."""
    return "native" if provider in ours else "litellm"


def providers(ours: frozenset[str]) -> str:
    """The `providers` of a configuration."""
    return json.dumps({name: {"engine": engine(name, ours)} for name in _EVERYBODY})
