"""The operator's YAML documents, named by GATEWAY_CONFIG: which sections and fields there are, and their defaults."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from functools import reduce
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from gateway_core.config.documents import Document, Schema, Seconds, merge, read_yaml, validate
from gateway_core.config.oauth import OAuthSection
from gateway_core.config.price_list import PricingSection
from gateway_core.crowd.limiter import CrowdLimits
from gateway_core.domain.downgrade import BudgetOwner, Downgrade
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.times import duration_s
from gateway_core.routing.retry import RetryPolicy
from gateway_core.store.estimates import LEAST_WAIT_MS
from gateway_core.store.messages import BreakerPolicy
from gateway_core.store.placement import FIRST
from gateway_core.store.response_cache import CachePolicy

CATALOG_SECTIONS = (
    "default_output_cap",
    "default_agent_output_cap",
    "providers",
    "models",
    "groups",
    "aliases",
    "model_aliases",
)

LIMIT_PATIENCE_S = 5.0
CROWD_PATIENCE_S = 30.0

type OnStoreFailure = Literal["degrade", "refuse"]
type CatalogLayers = tuple[Mapping[str, Any], ...]
"""The raw catalog sections of each document, in order: the packaged catalog is the document before them."""
type LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
type Count = Annotated[int, Field(gt=0)]
type Host = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$")]
"""A host name or an IPv4 address in lower case, with a port or without."""


def _as_word(value: object) -> object:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


type PromptCaching = Annotated[Literal["auto", "off"], BeforeValidator(_as_word)]
type LoadLiteLLM = Literal["auto", "start", "demand"]
type UpToADay = Annotated[Seconds, Field(le=86_400)]


class BreakerSection(Schema):
    """`BreakerPolicy` in seconds."""

    failures: Count = 5
    window_s: UpToADay = 60.0
    cooldown_s: UpToADay = 30.0
    max_cooldown_s: UpToADay = 480.0
    probe_lease_s: UpToADay = 60.0

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.max_cooldown_s < self.cooldown_s:
            raise ValueError("max_cooldown_s is shorter than cooldown_s")
        return self

    def policy(self) -> BreakerPolicy:
        return BreakerPolicy(
            failures=self.failures,
            window_ms=_ms(self.window_s),
            cooldown_ms=_ms(self.cooldown_s),
            max_cooldown_ms=_ms(self.max_cooldown_s),
            lease_ms=_ms(self.probe_lease_s),
        )


class FailoverSection(Schema):
    """`RetryPolicy`, with bounds that keep a request from hammering one deployment."""

    retries: Annotated[int, Field(ge=0, le=5)] = 1
    same_model_retries: Annotated[int, Field(ge=0, le=5)] = 0
    backoff_base_ms: Annotated[int, Field(gt=0, le=60_000)] = 250
    backoff_max_ms: Annotated[int, Field(gt=0, le=60_000)] = 2000

    @model_validator(mode="after")
    def _grows(self) -> Self:
        if self.backoff_max_ms < self.backoff_base_ms:
            raise ValueError("backoff_max_ms is shorter than backoff_base_ms")
        return self

    def policy(self) -> RetryPolicy:
        return RetryPolicy(**self.model_dump())


class LimitsSection(Schema):
    """Bounds of one request, and of how many one process works on.

    API Gateway ends any answer at 900 s, and one that stays silent at 300 s. Without a `queue_timeout_s` a request
    waits longer for a process that has much to do, which goes on by itself, than for a limit.
    """

    default_timeout_s: Annotated[Seconds, Field(le=290)] = 120.0
    max_timeout_s: Annotated[Seconds, Field(le=290)] = 290.0
    max_stream_timeout_s: Annotated[Seconds, Field(le=840)] = 840.0
    queue_timeout_s: Annotated[float, Field(ge=0, le=290)] | None = None
    concurrent_requests: Annotated[int, Field(gt=0, le=10_000)] = 16
    queued_requests: Annotated[int, Field(ge=0, le=100_000)] = 1024
    stall_timeout_s: Annotated[Seconds, Field(le=290)] = 60.0
    body_limit_bytes: Annotated[int, Field(gt=0, le=4 * 1024 * 1024)] = 4 * 1024 * 1024

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Self:
        if self.default_timeout_s > self.max_timeout_s:
            raise ValueError("default_timeout_s is longer than max_timeout_s")
        return self

    @property
    def limit_patience_s(self) -> float:
        """How long a request waits for a limit."""
        return LIMIT_PATIENCE_S if self.queue_timeout_s is None else self.queue_timeout_s

    def crowd(self, workers: int) -> CrowdLimits:
        """The share of one process of so many that are one gateway."""
        patience_s = CROWD_PATIENCE_S if self.queue_timeout_s is None else self.queue_timeout_s
        return CrowdLimits(self.concurrent_requests, -(-self.queued_requests // workers), patience_s)


type DatabaseName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
type ProjectId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,32}$")]


class DatabaseSection(Schema):
    """Projects that live in one of several databases, and its part of our own limits for providers."""

    projects: list[ProjectId] = Field(default_factory=list)
    limits_share: Annotated[float, Field(gt=0, lt=1)] | None = None


class StoreSection(Schema):
    """How long one HTTP round trip to the store may take, how much of it connecting, and what its absence means.

    `degrade` lets callers without any limit go on; `refuse` answers 503 to all. `others` is where projects live that no
    database lists.
    """

    timeout_s: Annotated[Seconds, Field(le=30)] = 1.0
    connect_timeout_s: Annotated[Seconds, Field(le=30)] = 0.5
    on_failure: OnStoreFailure = "degrade"
    databases: dict[DatabaseName, DatabaseSection] = Field(default_factory=dict)
    others: Annotated[list[DatabaseName], Field(min_length=1)] = Field(default_factory=lambda: [FIRST])


def _as_seconds(value: object) -> object:
    """`6h`, `2d`, or a number of seconds."""
    return duration_s(value) if isinstance(value, str) else value


LEAST_WAIT_S = LEAST_WAIT_MS // 1000


class DowngradeRule(Schema):
    """`Downgrade`."""

    from_: Annotated[str, Field(alias="from")]
    to: str
    at_percent: Annotated[int, Field(ge=1, le=100)] = 80
    of: list[BudgetOwner] = Field(default_factory=lambda: list(get_args(BudgetOwner.__value__)))
    explicit_models: bool = False

    def rule(self) -> Downgrade:
        return Downgrade(self.from_, self.to, self.at_percent, frozenset(self.of), self.explicit_models)


class BudgetsSection(Schema):
    """What becomes of money that nobody settled, and of requests that a budget has no room for.

    unconfirmed_after: How long after its UTC day, and after it became unconfirmed, it is booked as an estimate.
    fit_max_tokens: Down to what `max_tokens` is cut, None for never.
    downgrades: Which groups become cheaper ones, from which share of a budget on.
    """

    unconfirmed_after: Annotated[int, BeforeValidator(_as_seconds), Field(ge=LEAST_WAIT_S, le=14 * 86_400)] = (
        LEAST_WAIT_S
    )
    fit_max_tokens: Count | None = None
    downgrades: list[DowngradeRule] = Field(default_factory=list)

    def rules(self, groups: Container[str] | None, source: str) -> tuple[Downgrade, ...]:
        """The downgrades. Raises ConfigError for a group that is none of `groups`; None if nobody knows these."""
        rules = tuple(rule.rule() for rule in self.downgrades)
        for number, rule in enumerate(rules):
            for name in (rule.source, rule.target):
                if groups is not None and name not in groups:
                    raise ConfigError(f"{source}: budgets.downgrades.{number}: there is no group '{name}'. Correct it.")
        return rules


class HealthSection(Schema):
    """Probes of the providers, and the age in days at which the snapshot of list prices is called old."""

    probe_timeout_s: Annotated[Seconds, Field(le=20)] = 5.0
    price_age_days: Count = 90


type CheckName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
type ImportPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


class BatchSection(Schema):
    """Bounds of one batch, also as a job, and what its answers may be checked by, as `package.module:name`."""

    max_questions: Annotated[int, Field(gt=0, le=10_000)] = 1000
    max_job_questions: Annotated[int, Field(gt=0, le=10_000)] = 10_000
    max_open_jobs: Annotated[int, Field(gt=0, le=10_000)] = 100
    concurrency: Annotated[int, Field(gt=0, le=256)] = 16
    response_models: dict[CheckName, ImportPath] = Field(default_factory=dict)
    strategies: dict[CheckName, ImportPath] = Field(default_factory=dict)


class CacheSection(Schema):
    """`CachePolicy`: whether answers are kept, for how long, and how large one may be."""

    enabled: bool = True
    ttl_s: Annotated[int, Field(gt=0, le=30 * 86_400)] = 3600
    max_bytes: Annotated[int, Field(gt=0, le=1024 * 1024)] = 256 * 1024

    def policy(self) -> CachePolicy:
        return CachePolicy(**self.model_dump())


class ConfigFile(Schema):
    """`config.yaml`. The catalog's sections stay raw here: they are checked once merged over the packaged ones."""

    default_output_cap: Any = None
    default_agent_output_cap: Any = None
    providers: Any = None
    models: Any = None
    groups: Any = None
    aliases: Any = None
    model_aliases: Any = None
    pricing: PricingSection = PricingSection()
    breaker: BreakerSection = BreakerSection()
    failover: FailoverSection = FailoverSection()
    limits: LimitsSection = LimitsSection()
    store: StoreSection = StoreSection()
    budgets: BudgetsSection = BudgetsSection()
    health: HealthSection = HealthSection()
    batch: BatchSection = BatchSection()
    cache: CacheSection = CacheSection()
    oauth: OAuthSection = OAuthSection()
    prompt_caching: PromptCaching = "auto"
    litellm: LoadLiteLLM = "auto"
    allow_unpriced: bool = False
    api_base_hosts: list[Host] = Field(default_factory=list)
    api_base_private_hosts: list[Host] = Field(default_factory=list)
    serve_openapi: bool | None = None
    log_level: LogLevel = "INFO"
    reload_s: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    secrets_reload_s: Annotated[float, Field(ge=0, le=86_400)] = 900.0


def read_config(documents: Sequence[Document]) -> tuple[ConfigFile, CatalogLayers]:
    """The documents as one, each merged over those before it (see `merge`); and what each says of the catalog.

    A section without content counts as absent. Each document is also checked alone, so that an error names the one
    at fault. Raises ConfigError.
    """
    layers = [_sections(document) for document in documents]
    catalog = tuple({name: layer[name] for name in CATALOG_SECTIONS if name in layer} for layer in layers)
    return validate(ConfigFile, reduce(merge, layers, {}), names_of(documents)), catalog


def _sections(document: Document) -> dict[str, Any]:
    found = {key: value for key, value in read_yaml(document.text, document.source).items() if value is not None}
    validate(ConfigFile, found, document.source)
    return found


def names_of(documents: Sequence[Document]) -> str:
    """What errors call the documents together."""
    return ", ".join(document.source for document in documents)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
