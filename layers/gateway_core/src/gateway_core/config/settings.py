"""The gateway's settings: environment first, then the operator's documents, then defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import get_args

from gateway_core.config.catalog_loader import Overrides, load_catalog
from gateway_core.config.documents import Document
from gateway_core.config.environment import (
    Environment,
    GatewayEnvironment,
    PlacementEnvironment,
    StoreSettings,
)
from gateway_core.config.placing import placement_of
from gateway_core.config.schema import (
    CatalogLayers,
    ConfigFile,
    LoadLiteLLM,
    LogLevel,
    OnStoreFailure,
    names_of,
    read_config,
)
from gateway_core.config.web_origins import WebOrigins
from gateway_core.crowd.limiter import CrowdLimits
from gateway_core.domain.catalog import Catalog
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.downgrade import Downgrade
from gateway_core.domain.errors import ConfigError, Unauthenticated
from gateway_core.domain.oauth import OAuthPolicy
from gateway_core.routing.retry import RetryPolicy
from gateway_core.store.messages import BreakerPolicy
from gateway_core.store.placement import FIRST, Placement
from gateway_core.store.response_cache import CachePolicy
from gateway_core.store.virtual_keys import project_of

DEV_PROJECT = "dev"


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Everything that is configured, at one time. Times are seconds, `body_limit` is bytes, None means not set.

    `provider_keys` has the providers whose key is set, by provider name; base URLs are in the catalog's deployments.
    `prompt_caching`: whether prompts that will come again are marked for the provider's cache unasked. `litellm`: when
    LiteLLM is loaded. `serve_openapi`: None is everywhere but on Lambda. `databases` are those beside the first,
    `store`. `crowd` is the share of one of the `workers`, processes that are one gateway. `least_max_tokens` is down to
    what `max_tokens` is cut that a budget has no room for, `downgrades` what a budget makes cheaper. Pages of
    `web_origins` may call, and who has tokens that `oauth` takes.
    """

    catalog: Catalog
    provider_keys: Mapping[str, Secret]
    store: StoreSettings | None
    databases: Mapping[str, StoreSettings]
    placement: Placement
    dev_key: Secret | None
    breaker: BreakerPolicy
    retry: RetryPolicy
    default_timeout_s: float
    max_timeout_s: float
    max_stream_timeout_s: float
    queue_timeout_s: float
    crowd: CrowdLimits
    workers: int
    stall_timeout_s: float
    body_limit: int
    store_timeout_s: float
    store_connect_timeout_s: float
    store_on_failure: OnStoreFailure
    unconfirmed_after_ms: int
    least_max_tokens: int | None
    downgrades: tuple[Downgrade, ...]
    probe_timeout_s: float
    price_age_days: int
    batch_max_questions: int
    batch_max_job_questions: int
    batch_max_open_jobs: int
    batch_concurrency: int
    batch_response_models: Mapping[str, str]
    batch_strategies: Mapping[str, str]
    log_level: LogLevel
    reload_s: float
    secrets_reload_s: float
    cache: CachePolicy
    prompt_caching: bool
    litellm: LoadLiteLLM
    web_origins: WebOrigins
    serve_openapi: bool | None
    oauth: OAuthPolicy | None

    @classmethod
    def from_env(
        cls, environ: Mapping[str, str], documents: Sequence[Document] = (), *, with_catalog: bool = True
    ) -> GatewaySettings:
        """The settings that `environ` and `documents` describe. Raises ConfigError with the field at fault.

        Nothing is read here: `SettingsLoader` fetches the documents that GATEWAY_CONFIG names. `with_catalog` as there.
        """
        env, given = Environment(environ), GatewayEnvironment.from_env(environ)
        file, layers = read_config(documents)
        catalog = (
            _catalog(env, file, layers, names_of(documents), allow_http=given.allow_http)
            if with_catalog
            else Catalog.empty()
        )
        store, further = StoreSettings.from_env(environ), StoreSettings.further(environ)
        known = frozenset({FIRST, *further}) if store else None
        return cls(
            catalog=catalog,
            provider_keys=_provider_keys(env, catalog),
            store=store,
            databases=MappingProxyType(further),
            placement=placement_of(file.store, PlacementEnvironment.from_env(environ), known),
            dev_key=_dev_key(given.dev_key),
            breaker=file.breaker.policy(),
            retry=file.failover.policy(),
            default_timeout_s=file.limits.default_timeout_s,
            max_timeout_s=file.limits.max_timeout_s,
            max_stream_timeout_s=file.limits.max_stream_timeout_s,
            queue_timeout_s=file.limits.limit_patience_s,
            crowd=file.limits.crowd(given.workers),
            workers=given.workers,
            stall_timeout_s=file.limits.stall_timeout_s,
            body_limit=file.limits.body_limit_bytes,
            store_timeout_s=file.store.timeout_s,
            store_connect_timeout_s=file.store.connect_timeout_s,
            store_on_failure=file.store.on_failure,
            unconfirmed_after_ms=file.budgets.unconfirmed_after * 1000,
            least_max_tokens=file.budgets.fit_max_tokens,
            downgrades=file.budgets.rules(catalog.groups if with_catalog else None, names_of(documents)),
            probe_timeout_s=file.health.probe_timeout_s,
            price_age_days=file.health.price_age_days,
            batch_max_questions=file.batch.max_questions,
            batch_max_job_questions=file.batch.max_job_questions,
            batch_max_open_jobs=file.batch.max_open_jobs,
            batch_concurrency=file.batch.concurrency,
            batch_response_models=MappingProxyType(file.batch.response_models),
            batch_strategies=MappingProxyType(file.batch.strategies),
            log_level=_log_level(given.log_level or file.log_level),
            reload_s=file.reload_s if given.reload_s is None else given.reload_s,
            secrets_reload_s=file.secrets_reload_s,
            cache=file.cache.policy(),
            prompt_caching=file.prompt_caching == "auto",
            litellm=file.litellm,
            web_origins=WebOrigins.from_env(environ),
            serve_openapi=file.serve_openapi,
            oauth=file.oauth.policy(catalog if with_catalog else None, names_of(documents)),
        )

    def loads_litellm(self, *, on_lambda: bool) -> bool:
        """Whether a process that calls models is to load LiteLLM at its start, see `config.example.yaml`.

        By default where it serves a provider that can be called: on Lambda, where most starts are waited for, one that
        the configuration names; elsewhere any.
        """
        if self.litellm != "auto":
            return self.litellm == "start"
        found = self.catalog.providers if on_lambda else self.catalog.all_providers
        return any(found[name].engine == "litellm" for name in self.credentials if name in found)

    @property
    def store_url(self) -> str | None:
        return self.store.url if self.store else None

    @property
    def database_urls(self) -> dict[str, str]:
        """Where the databases beside the first are."""
        return {name: store.url for name, store in self.databases.items()}

    @property
    def credentials(self) -> dict[str, Credential]:
        """Each key with the base URL that it is for; a provider that takes no key gets a placeholder.

        Where a provider has a region, requests are signed for it, unless there is a key after all.
        """
        providers = {name: found for name, found in self.catalog.all_providers.items() if found.api_base}
        keyless = {name: Secret("none") for name, provider in providers.items() if not provider.key_env}
        keys = {**keyless, **self.provider_keys}
        return {
            name: Credential(keys[name], provider.api_base, "" if name in self.provider_keys else provider.region)
            for name, provider in providers.items()
            if name in keys
        }


def _catalog(env: Environment, file: ConfigFile, layers: CatalogLayers, source: str, *, allow_http: bool) -> Catalog:
    overrides = Overrides(
        source=source or Overrides().source,
        layers=layers,
        pricing=file.pricing,
        env_text=env.text,
        allow_http=allow_http,
        allow_unpriced=file.allow_unpriced,
        api_base_hosts=frozenset(file.api_base_hosts),
        api_base_private_hosts=frozenset(file.api_base_private_hosts),
    )
    return load_catalog(overrides)


def _provider_keys(env: Environment, catalog: Catalog) -> Mapping[str, Secret]:
    named = {name: env.secret(provider.key_env) for name, provider in catalog.all_providers.items() if provider.key_env}
    return MappingProxyType({name: key for name, key in named.items() if key})


def _dev_key(key: Secret | None) -> Secret | None:
    try:
        fits = key is None or project_of(key.reveal()) == DEV_PROJECT
    except Unauthenticated:
        fits = False
    if not fits:
        raise ConfigError(f"GATEWAY_DEV_KEY: is not a key of project {DEV_PROJECT}. Use the form gk_{DEV_PROJECT}_....")
    return key


def _log_level(name: str) -> LogLevel:
    wanted = name.upper()
    wanted = "WARNING" if wanted == "WARN" else wanted  # Lambda's word for it
    levels: tuple[LogLevel, ...] = get_args(LogLevel.__value__)
    for level in levels:
        if level == wanted:
            return level
    raise ConfigError(f"LOG_LEVEL: there is no such level. Choose one of {', '.join(levels)}.")
