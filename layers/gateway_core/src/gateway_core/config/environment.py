"""Reads the environment, for the functions and the command line alike: one rule for what a variable may hold.

The names of the gateway's variables are here and nowhere else in the product, but for two rooms that may not import
this one: `lambda_stream` reads Lambda's own, and `adapters/litellm` sets one of LiteLLM's. Those of providers are data
of the catalog. `tests/unit/test_environment.py` holds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway_core.domain.base_url import check_base_url
from gateway_core.domain.credentials import Secret
from gateway_core.domain.errors import ConfigError
from gateway_core.store.placement import FIRST
from gateway_core.telemetry.log_format import LogFormat

_URL, _TOKEN = "UPSTASH_REDIS_REST_URL", "UPSTASH_REDIS_REST_TOKEN"
_PLACED, _OTHERS = "GATEWAY_STORE_PROJECTS_", "GATEWAY_STORE_OTHERS"
_CONFIG = "GATEWAY_CONFIG"
REGIONS_OF_PROCESS = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""Where AWS's own programs look for their region, in order."""
_SECRET_SOURCES = ("GATEWAY_SECRETS_STORE", "GATEWAY_SECRETS_PROVIDERS")
_FUNCTION = "GATEWAY_FUNCTION_"
_JOBS_BUCKET = "GATEWAY_JOBS_BUCKET"
_BACKLOG = "GATEWAY_BACKLOG"
_ADMIN_BACKLOG = "GATEWAY_ADMIN_BACKLOG"
_MOST_RELOAD_S = 86_400
DATABASE = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""What a database may be called."""
_DATABASE_NAMES = f"Use up to 32 of A-Z, 0-9 and _, a letter first; {FIRST!r} is the one without a name."


class Environment:
    """Variables by name, without white space around them; one that is set to nothing else counts as unset.

    Raises ConfigError, which names the variable and never repeats its value: it may be a secret.
    """

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

    def seconds(self, name: str) -> float | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            seconds = float(value)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= _MOST_RELOAD_S:
            raise ConfigError(f"{name}: is not a number of seconds from 0 to {_MOST_RELOAD_S}. Correct or unset it.")
        return seconds

    def count(self, name: str) -> int | None:
        value = self.text(name)
        if value is not None and not (value.isdecimal() and int(value)):
            raise ConfigError(f"{name}: is not a whole number from 1 on. Correct or unset it.")
        return None if value is None else int(value)

    def names(self, name: str) -> tuple[str, ...]:
        """What stands between commas."""
        return tuple(part.strip() for part in (self.text(name) or "").split(",") if part.strip())

    def below(self, prefix: str) -> dict[str, str]:
        """All that are set whose names begin with `prefix`, by what follows it in lower case."""
        set_ones = {name: value for name in self._environ if name.startswith(prefix) and (value := self.text(name))}
        return {name.removeprefix(prefix).lower(): value for name, value in set_ones.items()}


def completed(environ: Mapping[str, str], secrets: Mapping[str, str]) -> dict[str, str]:
    """The environment, completed by secrets. What is set by hand wins, if it is not empty."""
    return {**secrets, **{name: value for name, value in environ.items() if value.strip() or name not in secrets}}


def documents_named(environ: Mapping[str, str]) -> str:
    """The names of the documents of configuration with commas between them, empty if there are none."""
    return Environment(environ).text(_CONFIG) or ""


def naming(environ: Mapping[str, str], documents: str) -> dict[str, str]:
    """The same with other documents named."""
    return {**environ, _CONFIG: documents}


def trace_header(environ: Mapping[str, str]) -> str:
    """What Lambda says of the trace that this invocation belongs to; it changes with each."""
    return Environment(environ).text("_X_AMZN_TRACE_ID") or ""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the store is, checked, and the token that opens it."""

    url: str
    token: Secret

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> StoreSettings | None:
        """None where neither is set. Raises ConfigError with the variable at fault."""
        env = Environment(environ)
        # Read before it is needed, so that whoever reads more than the store is told of the same mistake first.
        allow_http = env.flag("GATEWAY_ALLOW_HTTP")
        return cls._named(env, _URL, _TOKEN, allow_http=allow_http)

    @classmethod
    def further(cls, environ: Mapping[str, str]) -> dict[str, StoreSettings]:
        """Those beside the first, by what follows both variables' names in lower case. Raises ConfigError."""
        env = Environment(environ)
        names = sorted({*env.below(f"{_URL}_"), *env.below(f"{_TOKEN}_")})
        found: dict[str, StoreSettings] = {}
        for name in names:
            url, token = store_variables(name)
            if not DATABASE.fullmatch(name) or name == FIRST:
                raise ConfigError(f"{url}: a database cannot be called {name!r}. {_DATABASE_NAMES}")
            if store := cls._named(env, url, token, allow_http=env.flag("GATEWAY_ALLOW_HTTP")):
                found[name] = store
        return found

    @classmethod
    def _named(cls, env: Environment, url_name: str, token_name: str, *, allow_http: bool) -> StoreSettings | None:
        url, token = env.text(url_name), env.secret(token_name)
        if url is None and token is None:
            return None
        if url is None or token is None:
            missing = url_name if url is None else token_name
            raise ConfigError(f"{url_name} and {token_name} belong together. Set {missing} as well, or neither.")
        return cls(check_base_url(url, url_name, allow_http=allow_http), token)


def needed(store: StoreSettings | None) -> StoreSettings:
    """The same, for who cannot do without. Raises ConfigError where none is named."""
    if store is None:
        raise ConfigError(f"Set {_URL} and {_TOKEN} to the store's REST address.")
    return store


def store_variables(database: str) -> tuple[str, str]:
    """The variables that say where a database beside the first is, and what opens it."""
    return f"{_URL}_{database.upper()}", f"{_TOKEN}_{database.upper()}"


@dataclass(frozen=True, slots=True)
class PlacementEnvironment:
    """Which projects live in which database, where the environment says so; `others` is empty where it does not."""

    projects: Mapping[str, tuple[str, ...]]
    others: tuple[str, ...]

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> PlacementEnvironment:
        env = Environment(environ)
        lists = {name: env.names(f"{_PLACED}{name.upper()}") for name in env.below(_PLACED)}
        return cls(lists, env.names(_OTHERS))


@dataclass(frozen=True, slots=True)
class GatewayEnvironment:
    """What settings take from the environment, beside the store and the providers. None means not set.

    `workers` is how many processes are one gateway, and share what each has for itself.
    """

    allow_http: bool
    dev_key: Secret | None
    log_level: str | None
    reload_s: float | None
    workers: int = 1

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> GatewayEnvironment:
        """Raises ConfigError with the variable at fault."""
        env = Environment(environ)
        return cls(
            allow_http=env.flag("GATEWAY_ALLOW_HTTP"),
            dev_key=env.secret("GATEWAY_DEV_KEY"),
            log_level=env.text("LOG_LEVEL"),
            reload_s=env.seconds("GATEWAY_RELOAD_S"),
            workers=env.count("GATEWAY_WORKERS") or 1,
        )


@dataclass(frozen=True, slots=True)
class ProcessEnvironment:
    """Where this process runs and what it is pointed to, for as long as it lives.

    `secret_sources`, `billing_source`, `functions` (names of Lambdas, by what they do) and `jobs_bucket` are as the
    template sets them. `backlog` is a queue's URL or a folder, `admin_backlog` one that is only watched; these and
    `event_bus` are None under `sam local`, which passes on names that nothing has. `restores` is whether a snapshot of
    the process may be restored on another machine, `trace_daemon` where X-Ray's listens, as `host:port`. None means not
    set.
    """

    on_lambda: bool
    restores: bool
    service: str | None
    log_format: LogFormat
    event_bus: str | None
    secret_sources: tuple[str, ...]
    functions: Mapping[str, str]
    jobs_bucket: str | None
    trace_daemon: str | None
    backlog: str | None = None
    admin_backlog: str | None = None
    billing_source: str | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> ProcessEnvironment:
        """Raises ConfigError with the variable at fault."""
        env = Environment(environ)
        on_lambda = _on_lambda(env)
        return cls(
            on_lambda=on_lambda,
            restores=env.text("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start",
            service=env.text("POWERTOOLS_SERVICE_NAME"),
            log_format=_log_format(env) or ("json" if on_lambda else "text"),
            event_bus=None if is_sam_local(env) else env.text("GATEWAY_EVENT_BUS"),
            secret_sources=tuple(source for name in _SECRET_SOURCES if (source := env.text(name))),
            functions=env.below(_FUNCTION),
            jobs_bucket=env.text(_JOBS_BUCKET),
            trace_daemon=env.text("AWS_XRAY_DAEMON_ADDRESS"),
            backlog=None if is_sam_local(env) else _backlog(env),
            admin_backlog=None if is_sam_local(env) else env.text(_ADMIN_BACKLOG),
            billing_source=env.text("GATEWAY_SECRETS_BILLING"),
        )

    @property
    def needed_bucket(self) -> str:
        """The bucket of jobs, for who cannot do without. Raises ConfigError where none is named."""
        if self.jobs_bucket is None:
            raise ConfigError(f"Set {_JOBS_BUCKET} to the name of the bucket that jobs are kept in.")
        return self.jobs_bucket


@dataclass(frozen=True, slots=True)
class McpEnvironment:
    """Hosts and web origins of the MCP endpoint, as they are written. `is_local` is false on Lambda itself."""

    allowed_hosts: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    is_local: bool

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> McpEnvironment:
        env = Environment(environ)
        return cls(
            allowed_hosts=env.names("GATEWAY_ALLOWED_HOSTS"),
            allowed_origins=env.names("GATEWAY_ALLOWED_ORIGINS"),
            is_local=not _on_lambda(env) or is_sam_local(env),
        )


def backlog_folder(environ: Mapping[str, str]) -> str | None:
    """The folder of the backlog; None where it is not set, or a queue."""
    named = _backlog(Environment(environ))
    return None if named is None or "://" in named else named


def _backlog(env: Environment) -> str | None:
    named = env.text(_BACKLOG)
    if named and "://" in named and not named.startswith(("https://", "http://")):
        raise ConfigError(f"{_BACKLOG}: is neither the URL of an SQS queue nor a folder.")
    return named


def _on_lambda(env: Environment) -> bool:
    return env.text("AWS_LAMBDA_FUNCTION_NAME") is not None


def is_sam_local(env: Environment) -> bool:
    """Whether SAM stands in for Lambda."""
    return env.text("AWS_SAM_LOCAL") is not None


def _log_format(env: Environment) -> LogFormat | None:
    match env.text("LOG_FORMAT"):
        case "json" | "text" | None as named:
            return named
    raise ConfigError("LOG_FORMAT: is neither json nor text.")
