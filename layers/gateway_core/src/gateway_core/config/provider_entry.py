"""A provider of the configuration, with what the environment says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field

from gateway_core.config.documents import Schema, Seconds
from gateway_core.config.engines import engine_of
from gateway_core.config.regions import AwsPlace, key_env_of, place_of
from gateway_core.domain.base_url import check_base_url
from gateway_core.domain.catalog import COUNT_FACTOR, STOP_LAG_S, Provider
from gateway_core.domain.chat import Engine
from gateway_core.domain.errors import ConfigError

type Count = Annotated[int, Field(gt=0)]


class ProviderEntry(Schema):
    """`base_url` may be left out where the provider has one for each region of AWS; so may `region`."""

    base_url: str = ""
    region: str = ""
    input_includes_cached: bool
    output_shares_window: bool = True
    key_env: str | None = ""
    base_env: str = ""
    timeout_s: Seconds = 60.0
    rpm: Count | None = None
    tpm: Count | None = None
    probe: bool = True
    engine: Engine | None = None
    count_factor: Annotated[float, Field(ge=1, le=10)] = COUNT_FACTOR
    stop_lag_s: Annotated[float, Field(ge=0, le=60)] = STOP_LAG_S
    stops_at_disconnect: bool = False


def provider_from(
    name: str, entry: ProviderEntry, source: str, env_text: Callable[[str], str | None], *, allow_http: bool
) -> Provider:
    """The provider. Raises ConfigError that names the document, or the variable, and the field."""
    where = f"{source}: providers.{name}"
    base_env = entry.base_env or f"{name.upper()}_API_BASE"
    place = _place(name, entry, where, env_text)
    from_env = env_text(base_env)
    base = from_env or entry.base_url or (place or AwsPlace()).base_url
    if not base:
        remedy = "Add region, or set AWS_REGION" if place else "Field required. Add it"
        raise ConfigError(f"{where}.base_url: {remedy}.")
    return Provider(
        name=name,
        api_base=check_base_url(base, base_env if from_env else f"{where}.base_url", allow_http=allow_http),
        key_env=_key_env(name, entry, env_text, signs=place is not None),
        base_env=base_env,
        timeout_s=entry.timeout_s,
        input_includes_cached=entry.input_includes_cached,
        output_shares_window=entry.output_shares_window,
        rpm=entry.rpm,
        tpm=entry.tpm,
        probe=entry.probe,
        engine=engine_of(name, entry.engine, where),
        count_factor=entry.count_factor,
        stop_lag_s=entry.stop_lag_s,
        stops_at_disconnect=entry.stops_at_disconnect,
        region=place.region if place else "",
    )


def _place(name: str, entry: ProviderEntry, where: str, env_text: Callable[[str], str | None]) -> AwsPlace | None:
    place = place_of(name, env_text, entry.region)
    if entry.region and place is None:
        raise ConfigError(f"{where}.region: '{name}' has no regions. Remove it.")
    return place


def _key_env(name: str, entry: ProviderEntry, env_text: Callable[[str], str | None], *, signs: bool) -> str | None:
    if entry.key_env != "":
        return entry.key_env
    return key_env_of(name, env_text) if signs else f"{name.upper()}_API_KEY"
