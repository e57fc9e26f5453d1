"""The composition root: it reads secrets and configuration, and it alone, with the command line, names adapters."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from gateway_core.access.authenticator import Authenticator
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.config_sources import open_sources
from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.adapters.invoke_lambda import LambdaInvoker
from gateway_core.adapters.log_backlog import LogBacklog
from gateway_core.adapters.upstash import UpstashStore
from gateway_core.adapters.xray import xray_tracer
from gateway_core.config.loader import Inputs, SettingsLoader, completed
from gateway_core.config.reload import ReloadingServices
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.credentials import Credential, Secret
from gateway_core.domain.errors import ConfigError
from gateway_core.pipeline.emitter import Emitter, emit_from_thread
from gateway_core.ports import Draw, Invoker, ModelProvider, Store
from gateway_core.services import Current, ModelServices, Services
from gateway_core.telemetry.ports import EventSink
from gateway_core.telemetry.sinks import EventLog, FanOut
from gateway_core.telemetry.telemetry import SERVICE, LogFormat, Telemetry

if TYPE_CHECKING:
    from gateway_core.mcp_front.settings import McpSettings
    from gateway_core.mcp_front.stdio import StdioServer
    from gateway_core.triggers.health_checks import HealthChecks

_SECRET_SOURCES = ("GATEWAY_SECRETS_STORE", "GATEWAY_SECRETS_PROVIDERS")


def with_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment, completed by the secrets that it points to. What is set by hand wins, if it is not empty."""
    return completed(environ, _find_secrets(environ))


def _find_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in _SECRET_SOURCES:
        if source := environ.get(name):
            from gateway_core.adapters.secrets import read_secrets  # noqa: PLC0415 - brings boto3, on AWS only

            found |= read_secrets(source)
    return found


def _load(environ: Mapping[str, str]) -> tuple[SettingsLoader, Inputs]:
    """Read everything for the first time. GATEWAY_CONFIG may itself be one of the secrets."""
    secrets = _find_secrets(environ)
    sources = open_sources(completed(environ, secrets).get("GATEWAY_CONFIG", ""))
    find = partial(_find_secrets, environ) if any(environ.get(name) for name in _SECRET_SOURCES) else None
    loader = SettingsLoader(environ, sources, find)
    return loader, Inputs(loader.documents(), secrets)


def read_settings(environ: Mapping[str, str]) -> GatewaySettings:
    """The settings of now. Raises ConfigError with the field at fault."""
    loader, inputs = _load(environ)
    return loader.settings(inputs)


def open_store(settings: GatewaySettings) -> UpstashStore:
    """The shared state. Raises ConfigError when none is named."""
    if settings.redis_url is None or settings.redis_token is None:
        raise ConfigError("Set UPSTASH_REDIS_REST_URL and UPSTASH_REDIS_REST_TOKEN to the store's REST address.")
    return UpstashStore(
        settings.redis_url,
        settings.redis_token.reveal(),
        connect_timeout_s=settings.store_connect_timeout_s,
        timeout_s=settings.store_timeout_s,
    )


def light_services(environ: Mapping[str, str]) -> ReloadingServices[Services]:
    """For the functions that call no model: LiteLLM is not loaded, and no provider key is read unless it is named."""
    began = _Beginning.of(environ)
    return began.reloading(began.light)


def model_services(environ: Mapping[str, str]) -> ReloadingServices[ModelServices]:
    """For the functions that call models."""
    # Here, not above: it costs seconds, and the light functions' layers do not have it.
    from gateway_core.adapters.litellm import LiteLLMProvider  # noqa: PLC0415

    began = _Beginning.of(environ)
    provider = LiteLLMProvider({}, began.services.clock)
    _after_restore(environ, provider.forget_connections)
    return began.reloading(lambda now: with_gateway(began.light(now), provider.with_credentials(_credentials(now))))


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What was read first, and what of it stays for the life of the process."""

    environ: Mapping[str, str]
    loader: SettingsLoader
    inputs: Inputs
    services: Services

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> _Beginning:
        loader, inputs = _load(environ)
        settings = loader.settings(inputs)
        store, telemetry = open_store(settings), _telemetry(settings, environ)
        _after_restore(environ, store.forget_connections)
        services = _services(settings, store, telemetry, event_sink(environ, telemetry))
        return cls(environ, loader, inputs, services)

    def light(self, settings: GatewaySettings) -> Services:
        return replace(self.services, settings=settings)

    def reloading[S](self, wire: Callable[[GatewaySettings], S]) -> ReloadingServices[S]:
        known = self.services
        tell = partial(emit_from_thread, known.events)
        services = ReloadingServices(
            self.loader, self.inputs, known.settings, wire, known.telemetry, known.clock, tell=tell
        )
        _after_restore(self.environ, services.expire)
        return services


def health_checks(environ: Mapping[str, str]) -> HealthChecks:
    """For the function that the schedules start: without LiteLLM, but with the providers' keys."""
    # Here, not above: only that one starts with them.
    from gateway_core.adapters.model_lists import HttpModelLister  # noqa: PLC0415
    from gateway_core.triggers.health_checks import HealthChecks  # noqa: PLC0415

    return HealthChecks(light_services(environ), HttpModelLister())


def _after_restore(environ: Mapping[str, str], forget: Callable[[], None]) -> None:
    """A SnapStart snapshot is restored on another machine, where the connections in it lead nowhere."""
    if environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        from gateway_core.lambda_stream import on_restore  # noqa: PLC0415 - brings the runtime, on Lambda only

        on_restore(forget)


def _credentials(settings: GatewaySettings) -> dict[str, Credential]:
    """Each key with the base URL that it is for; a provider that takes no key gets a placeholder."""
    keyless = {name: Secret("none") for name, provider in settings.catalog.providers.items() if not provider.key_env}
    return {
        name: Credential(key, settings.catalog.providers[name].api_base)
        for name, key in {**keyless, **settings.provider_keys}.items()
    }


def mcp_app(environ: Mapping[str, str], apps: Mapping[str, ASGIApp] | None = None) -> ASGIApp:
    """The MCP endpoint. It invokes the Lambdas named by GATEWAY_FUNCTION_*, or `apps` in this process if given."""
    # Here, not above: only this function has FastMCP.
    from gateway_core.mcp_front.app import create_mcp  # noqa: PLC0415

    invoker = LambdaInvoker(_function_names(environ)) if apps is None else AsgiInvoker(apps)
    settings, light = _mcp_settings(environ)
    return create_mcp(invoker, light.authenticator, settings, light.telemetry, light.clock)


def mcp_stdio(environ: Mapping[str, str], invoker: Invoker, key: str) -> StdioServer:
    """The same tools over stdin and stdout, for the one who has `key`."""
    # Here, not above: see `mcp_app`.
    from gateway_core.mcp_front.stdio import StdioServer  # noqa: PLC0415

    settings, light = _mcp_settings(environ)
    return StdioServer(invoker, light.authenticator, settings, light.telemetry, light.clock, key)


def _mcp_settings(environ: Mapping[str, str]) -> tuple[Current[McpSettings], Services]:
    # Here, not above: see `mcp_app`.
    from gateway_core.mcp_front.logs import quiet_libraries  # noqa: PLC0415
    from gateway_core.mcp_front.settings import McpSettings  # noqa: PLC0415

    began = _Beginning.of(environ)
    quiet_libraries(began.services.telemetry)
    fixed = completed(environ, began.inputs.secrets)

    def wire(now: GatewaySettings) -> McpSettings:
        return McpSettings.from_env(fixed, body_limit=now.body_limit, default_timeout_s=now.default_timeout_s)

    return began.reloading(wire), began.services


def _function_names(environ: Mapping[str, str]) -> dict[str, str]:
    prefix = "GATEWAY_FUNCTION_"
    return {name.removeprefix(prefix).lower(): arn for name, arn in environ.items() if name.startswith(prefix) and arn}


def with_gateway(light: Services, provider: ModelProvider, draw: Draw = random.random) -> ModelServices:
    """Add a gateway that calls models through `provider`, and leaves to `draw` what is left to chance."""
    # Here, not above: functions that call no model start without them.
    from gateway_core.pipeline.admission import FailoverPolicy  # noqa: PLC0415
    from gateway_core.pipeline.failover import Failover  # noqa: PLC0415
    from gateway_core.pipeline.gateway import Gateway  # noqa: PLC0415
    from gateway_core.pipeline.model_router import ModelRouter  # noqa: PLC0415

    policy = FailoverPolicy(
        breaker=light.settings.breaker,
        queue_timeout_s=light.settings.queue_timeout_s,
        providers=light.settings.catalog.providers,
        retry=light.settings.retry,
    )
    emitter = Emitter(light.events, light.clock, light.telemetry)
    failover = Failover(light.ledger, light.clock, policy, light.telemetry, emitter, draw)
    router = ModelRouter(light.ledger, provider, light.clock, draw)
    gateway = Gateway(light.settings, provider, router, light.authenticator, failover, light.clock)
    return ModelServices(
        light.settings,
        light.store,
        light.authenticator,
        light.telemetry,
        light.clock,
        light.ledger,
        light.events,
        gateway,
        provider,
    )


def event_sink(environ: Mapping[str, str], telemetry: Telemetry) -> FanOut:
    """The log, and the bus that GATEWAY_EVENT_BUS names. `sam local` passes on a name that leads nowhere."""
    bus = "" if environ.get("AWS_SAM_LOCAL") else environ.get("GATEWAY_EVENT_BUS", "")
    if not bus:
        return FanOut(EventLog(telemetry))
    from gateway_core.adapters.eventbridge import EventBridgeSink  # noqa: PLC0415 - brings boto3, on AWS only

    bridge = EventBridgeSink(bus, telemetry)
    _after_restore(environ, bridge.forget_connections)
    return FanOut(EventLog(telemetry), bridge)


def _services(settings: GatewaySettings, store: Store, telemetry: Telemetry, events: EventSink) -> Services:
    clock = SystemClock()
    degrade = settings.store_on_failure == "degrade"
    ledger = ResilientLedger(store, clock, LogBacklog(telemetry), degrade=degrade)
    return Services(settings, store, Authenticator(ledger, clock), telemetry, clock, ledger, events)


def _telemetry(settings: GatewaySettings, environ: Mapping[str, str]) -> Telemetry:
    on_lambda = "AWS_LAMBDA_FUNCTION_NAME" in environ
    return Telemetry(
        level=settings.log_level,
        metrics=on_lambda,
        service=environ.get("POWERTOOLS_SERVICE_NAME") or SERVICE,
        log_format=_log_format(environ) or ("json" if on_lambda else "text"),
        tracer=xray_tracer(environ),
    )


def _log_format(environ: Mapping[str, str]) -> LogFormat | None:
    match environ.get("LOG_FORMAT"):
        case "json":
            return "json"
        case "text":
            return "text"
        case None | "":
            return None
    raise ConfigError("LOG_FORMAT: is neither json nor text.")
