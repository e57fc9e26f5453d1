"""Which providers of `make run` are real: what asks them is billed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gateway_core.bootstrap import read_settings
from gateway_core.domain.base_url import is_on_this_machine
from local.environment import LocalEnvironment


def real_providers(choices: LocalEnvironment, environ: Mapping[str, str]) -> Iterator[str]:
    """Name and address of each that has a key or an address of its own, by the configuration and this environment."""
    for provider in read_settings(environ).catalog.all_providers.values():
        name = provider.name.upper()
        if name in choices.simulated:
            continue
        has_key = name not in choices.keyless and bool(provider.key_env and environ.get(provider.key_env))
        if has_key or environ.get(provider.base_env):
            is_billed = has_key and not is_on_this_machine(provider.api_base)
            yield f"{provider.name} {provider.api_base}{' (costs money)' if is_billed else ''}"
