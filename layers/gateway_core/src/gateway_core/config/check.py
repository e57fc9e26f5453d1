"""Validates documents of configuration before anybody serves by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.domain.errors import ConfigError
from gateway_core.ports import ConfigSource


def check_config(opened: Sequence[ConfigSource], environ: Mapping[str, str]) -> dict[str, object]:
    """What the documents describe, over the environment's base URLs. Raises ConfigError with what is wrong in them."""
    if not opened:
        raise ConfigError("Name a document to check, or set GATEWAY_CONFIG.")
    loader = SettingsLoader(environ, opened, None)
    inputs = Inputs(loader.documents(), {})
    _refuse_empty(inputs)
    settings = loader.settings(inputs)
    return {
        "valid": True,
        "version": inputs.version,
        "sources": [source.name for source in opened],
        "models": len(settings.catalog.models),
        "groups": {name: list(keys) for name, keys in settings.catalog.groups.items()},
        "reload_s": settings.reload_s,
    }


def _refuse_empty(inputs: Inputs) -> None:
    # At a start an empty document is the defaults, but a running gateway takes it for one that is being written.
    for document in inputs.documents:
        if not document.text.strip():
            raise ConfigError(f"{document.source}: the document is empty. To use the defaults, leave a comment in it.")
