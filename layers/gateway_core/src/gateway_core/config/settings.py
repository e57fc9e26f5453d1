"""The gateway's settings: environment first, then the operator's documents, then defaults.

No other module knows the name of an environment variable; those of providers are data of the catalog.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.documents import Document
from gateway_core.config.schema import CatalogLayers, ConfigFile, LogLevel, OnStoreFailure, names_of, read_config
from gateway_core.domain.base_url import check_base_url
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import ConfigError, Unauthenticated
from gateway_core.routing.retry import RetryPolicy
from gateway_core.store.messages import BreakerPolicy
from gateway_core.store.virtual_keys import project_of

DEV_PROJECT = "dev"
_MOST_RELOAD_S = 86_400


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Everything that is configured, at one time. Times are seconds, `body_limit` is bytes, None means not set.

    `provider_keys` has the providers whose key is set, by provider name; base URLs are in the catalog's deployments.
    """

    catalog: Catalog
    provider_keys: Mapping[str, Secret]
    redis_url: str | None
    redis_token: Secret | None
    dev_key: Secret | None
    breaker: BreakerPolicy
    retry: RetryPolicy
    default_timeout_s: float
    max_timeout_s: float
    max_stream_timeout_s: float
    queue_timeout_s: float
    stall_timeout_s: float
    body_limit: int
    store_timeout_s: float
    store_connect_timeout_s: float
    store_on_failure: OnStoreFailure
    probe_timeout_s: float
    price_age_days: int
    batch_max_questions: int
    batch_concurrency: int
    log_level: LogLevel
    reload_s: float
    secrets_reload_s: float

    @classmethod
    def from_env(cls, environ: Mapping[str, str], documents: Sequence[Document] = ()) -> GatewaySettings:
        """The settings that `environ` and `documents` describe. Raises ConfigError with the field at fault.

        Nothing is read here: `SettingsLoader` fetches the documents that GATEWAY_CONFIG names.
        """
        env = _Environment(environ)
        file, layers = read_config(documents)
        catalog = _catalog(env, file, layers, names_of(documents))
        return cls(
            catalog=catalog,
            provider_keys=_provider_keys(env, catalog),
            redis_url=_redis_url(env),
            redis_token=env.secret("UPSTASH_REDIS_REST_TOKEN"),
            dev_key=_dev_key(env),
            breaker=file.breaker.policy(),
            retry=file.failover.policy(),
            default_timeout_s=file.limits.default_timeout_s,
            max_timeout_s=file.limits.max_timeout_s,
            max_stream_timeout_s=file.limits.max_stream_timeout_s,
            queue_timeout_s=file.limits.queue_timeout_s,
            stall_timeout_s=file.limits.stall_timeout_s,
            body_limit=file.limits.body_limit_bytes,
            store_timeout_s=file.store.timeout_s,
            store_connect_timeout_s=file.store.connect_timeout_s,
            store_on_failure=file.store.on_failure,
            probe_timeout_s=file.health.probe_timeout_s,
            price_age_days=file.health.price_age_days,
            batch_max_questions=file.batch.max_questions,
            batch_concurrency=file.batch.concurrency,
            log_level=_log_level(env, file),
            reload_s=env.seconds("GATEWAY_RELOAD_S", file.reload_s),
            secrets_reload_s=file.secrets_reload_s,
        )


class _Environment:
    """Environment variables; one that is set to nothing but white space counts as unset."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str) -> str | None:
        return self._environ.get(name, "").strip() or None

    def secret(self, name: str) -> Secret | None:
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise ConfigError(f"{name}: has characters that cannot be part of a key. Set it to the key alone.")
        return Secret(value)

    def flag(self, name: str) -> bool:
        value = self.text(name) or "0"
        if value not in {"0", "1"}:
            raise ConfigError(f"{name}: is neither 0 nor 1. Set it to 1 to allow, or unset it.")
        return value == "1"

    def seconds(self, name: str, otherwise: float) -> float:
        value = self.text(name)
        try:
            seconds = otherwise if value is None else float(value)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= _MOST_RELOAD_S:
            raise ConfigError(f"{name}: is not a number of seconds from 0 to {_MOST_RELOAD_S}. Correct or unset it.")
        return seconds

    @property
    def allow_http(self) -> bool:
        return self.flag("GATEWAY_ALLOW_HTTP")


def _catalog(env: _Environment, file: ConfigFile, layers: CatalogLayers, source: str) -> Catalog:
    overrides = Overrides(
        source=source or Overrides().source,
        layers=layers,
        pricing=file.pricing,
        base_of=env.text,
        allow_http=env.allow_http,
    )
    return load_catalog(overrides)


def _provider_keys(env: _Environment, catalog: Catalog) -> Mapping[str, Secret]:
    named = {name: env.secret(provider.key_env) for name, provider in catalog.providers.items() if provider.key_env}
    return MappingProxyType({name: key for name, key in named.items() if key})


def _redis_url(env: _Environment) -> str | None:
    url, token = env.text("UPSTASH_REDIS_REST_URL"), env.text("UPSTASH_REDIS_REST_TOKEN")
    if (url is None) != (token is None):
        raise ConfigError("UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN belong together. Set both or neither.")
    return url and check_base_url(url, "UPSTASH_REDIS_REST_URL", allow_http=env.allow_http)


def _dev_key(env: _Environment) -> Secret | None:
    key = env.secret("GATEWAY_DEV_KEY")
    try:
        fits = key is None or project_of(key.reveal()) == DEV_PROJECT
    except Unauthenticated:
        fits = False
    if not fits:
        raise ConfigError(f"GATEWAY_DEV_KEY: is not a key of project {DEV_PROJECT}. Use the form gk_{DEV_PROJECT}_....")
    return key


def _log_level(env: _Environment, file: ConfigFile) -> LogLevel:
    wanted = (env.text("LOG_LEVEL") or file.log_level).upper()
    wanted = "WARNING" if wanted == "WARN" else wanted  # Lambda's word for it
    levels: tuple[LogLevel, ...] = get_args(LogLevel.__value__)
    for level in levels:
        if level == wanted:
            return level
    raise ConfigError(f"LOG_LEVEL: there is no such level. Choose one of {', '.join(levels)}.")
