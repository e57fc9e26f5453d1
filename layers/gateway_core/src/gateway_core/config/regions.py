"""Providers of AWS: one base URL for each region, and requests that are signed for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway_core.config.environment import REGIONS_OF_PROCESS
from gateway_core.domain.errors import ConfigError
from gateway_core.wires.table import traits_of

KEY_ENV = "AWS_BEARER_TOKEN_{}"
"""AWS's own name for a key of one of its services, which takes the place of signatures."""
_REGION = re.compile(r"[a-z]{2,5}(-[a-z0-9]+)+")


@dataclass(frozen=True, slots=True)
class AwsPlace:
    """A region, and where the provider is in it; both are empty where there is none."""

    region: str = ""
    base_url: str = ""


def place_of(name: str, env_text: Callable[[str], str | None], asked: str | None = None) -> AwsPlace | None:
    """Where a provider of AWS is; None for all others.

    `asked` is the region that the configuration names, "" if it leaves it to the environment: `{NAME}_REGION`, then
    that of the process. None if the configuration has no such provider: then only `{NAME}_REGION` turns it on, or a
    base URL does, as every function of AWS has a region. Raises ConfigError.
    """
    traits = traits_of(name)
    if not traits.signs_for:
        return None
    own = f"{name.upper()}_REGION"
    everywhere = REGIONS_OF_PROCESS if asked is not None or env_text(f"{name.upper()}_API_BASE") else ()
    found = asked or next(filter(None, map(env_text, (own, *everywhere))), "")
    if found and not _REGION.fullmatch(found):
        raise ConfigError(f"{'region' if asked else own}: is not a region of AWS, such as us-east-1.")
    return AwsPlace(found, traits.regional_base.format(region=found) if found else "")


def key_env_of(name: str, env_text: Callable[[str], str | None]) -> str | None:
    """The variable of a key that takes the place of signatures, None if it is not set."""
    key_env = KEY_ENV.format(name.upper())
    return key_env if env_text(key_env) else None
