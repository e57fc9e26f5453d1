"""The composition root: it reads secrets and configuration, and it alone, with the command line, names adapters."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from gateway_core.access.authenticator import Authenticator
from gateway_core.adapters.backlogs import backlog_of
from gateway_core.adapters.clock import SystemClock
from gateway_core.adapters.config_sources import open_sources
from gateway_core.adapters.degraded import ResilientLedger
from gateway_core.adapters.invoke_asgi import AsgiInvoker
from gateway_core.adapters.invoke_lambda import LambdaInvoker, WholeInvoker
from gateway_core.adapters.opening import StoreTimes, open_databases
from gateway_core.adapters.xray import xray_tracer
from gateway_core.config.environment import (
    Environment,
    ProcessEnvironment,
    completed,
    documents_named,
    is_sam_local,
    needed,
    trace_header,
)
from gateway_core.config.loader import Inputs, SettingsLoader
from gateway_core.config.reload import ReloadingServices
from gateway_core.config.settings import GatewaySettings
from gateway_core.pipeline.emitter import Emitter, emit_from_thread
from gateway_core.ports import ConnectedStore, Draw, Invoker, KeySetSource, ModelProvider
from gateway_core.services import Current, ModelServices, Services
from gateway_core.store.placement import FIRST
from gateway_core.telemetry.ports import EventSink, Tracer
from gateway_core.telemetry.sinks import EventLog, FanOut
from gateway_core.telemetry.telemetry import SERVICE, Telemetry

if TYPE_CHECKING:
    from gateway_core.mcp_front.oauth.door import TokenDoor
    from gateway_core.mcp_front.settings import McpSettings
    from gateway_core.mcp_front.stdio import StdioServer
    from gateway_core.triggers.health_checks import HealthChecks


def _find_secrets(environ: Mapping[str, str], sources: Sequence[str]) -> dict[str, str]:
    if not sources:
        return {}
    from gateway_core.adapters.secrets import connector, read_secrets  # noqa: PLC0415 - for AWS only

    return read_secrets(sources, connector(environ))


def _load(
    environ: Mapping[str, str], secret_sources: Sequence[str], *, with_catalog: bool = True
) -> tuple[SettingsLoader, Inputs]:
    """Read everything for the first time. The documents' names may themselves be among the secrets."""
    secrets = _find_secrets(environ, secret_sources)
    sources = open_sources(documents_named(completed(environ, secrets)))
    find = partial(_find_secrets, environ, secret_sources) if secret_sources else None
    loader = SettingsLoader(environ, sources, find, with_catalog=with_catalog)
    return loader, Inputs(loader.documents(), secrets)


def read_settings(environ: Mapping[str, str]) -> GatewaySettings:
    """The settings of now. Raises ConfigError with the field at fault."""
    loader, inputs = _load(environ, ProcessEnvironment.from_env(environ).secret_sources)
    return loader.settings(inputs)


def open_store(settings: GatewaySettings, clock: SystemClock | None = None) -> ConnectedStore:
    """The shared state, which tells `clock` the time. Raises ConfigError when none is named."""
    addresses = {FIRST: needed(settings.store), **settings.databases}
    times = StoreTimes(settings.store_connect_timeout_s, settings.store_timeout_s, settings.unconfirmed_after_ms)
    return open_databases(addresses, settings.placement, times, clock)


def light_services(environ: Mapping[str, str]) -> ReloadingServices[Services]:
    """For the functions that call no model: what calls one is not loaded, and no provider key read unless named."""
    began = _Beginning.of(environ)
    return began.reloading(began.light)


def model_services(environ: Mapping[str, str]) -> ReloadingServices[ModelServices]:
    """For the functions that call models."""
    return _calling(_Beginning.of(environ), environ)


def job_services(environ: Mapping[str, str], feed: EventSink | None = None) -> ReloadingServices[ModelServices]:
    """For what works on jobs, which can wait: without the store nobody is asked. `feed` hears of what happens."""
    began = _Beginning.of(environ, waits=True)
    if feed:
        began.events.attach(feed)
    return _calling(began, environ)


def _calling(began: _Beginning, environ: Mapping[str, str]) -> ReloadingServices[ModelServices]:
    # Here, not above: the light functions start without it.
    from gateway_core.adapters.models import model_provider  # noqa: PLC0415
    from gateway_core.adapters.upstream.network import signing_of  # noqa: PLC0415

    provider = model_provider({}, began.services.clock, signing=signing_of(environ))
    if began.services.settings.loads_litellm(on_lambda=began.process.on_lambda):
        provider.load_litellm()
    _after_restore(began.process, provider.forget_connections)
    return began.reloading(lambda now: with_gateway(began.light(now), provider.with_credentials(now.credentials)))


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What was read first, and what of it stays for the life of the process."""

    process: ProcessEnvironment
    loader: SettingsLoader
    inputs: Inputs
    services: Services
    events: FanOut

    @classmethod
    def of(cls, environ: Mapping[str, str], *, waits: bool = False, with_catalog: bool = True) -> _Beginning:
        """With `waits`, nobody goes on without the store, whatever is configured."""
        process = ProcessEnvironment.from_env(environ)
        loader, inputs = _load(environ, process.secret_sources, with_catalog=with_catalog)
        settings = loader.settings(inputs)
        tracer = xray_tracer(partial(trace_header, environ), process.trace_daemon)
        clock = SystemClock()
        store, telemetry = open_store(settings, clock), _telemetry(settings, process, tracer)
        _after_restore(process, store.forget_connections)
        # Else all that are restored from one snapshot draw the same pauses. Lambda's own runtime leaves it to us.
        _after_restore(process, random.seed)
        events = event_sink(process, telemetry, environ)
        degrade = settings.store_on_failure == "degrade" and not waits
        backlog = backlog_of(process.backlog, store, clock, telemetry, on_lambda=process.on_lambda)
        placement = settings.placement
        ledger = ResilientLedger(store, clock, backlog, degrade=degrade, workers=settings.workers, placement=placement)
        services = Services(settings, store, Authenticator(ledger, clock), telemetry, clock, ledger, events)
        return cls(process, loader, inputs, services, events)

    def light(self, settings: GatewaySettings) -> Services:
        return replace(self.services, settings=settings)

    def reloading[S](self, wire: Callable[[GatewaySettings], S]) -> ReloadingServices[S]:
        known = self.services
        tell = partial(emit_from_thread, known.events)
        services = ReloadingServices(
            self.loader, self.inputs, known.settings, wire, known.telemetry, known.clock, tell=tell
        )
        _after_restore(self.process, services.expire)
        return services


def health_checks(environ: Mapping[str, str]) -> HealthChecks:
    """For the function that the schedules start: without LiteLLM, but with the providers' keys."""
    # Here, not above: only that one starts with them.
    from gateway_core.adapters.model_lists import HttpModelLister  # noqa: PLC0415
    from gateway_core.adapters.upstream.network import signing_of  # noqa: PLC0415
    from gateway_core.triggers.health_checks import HealthChecks  # noqa: PLC0415

    services = light_services(environ)
    return HealthChecks(services, HttpModelLister(services.now().clock, signing_of(environ)))


def _after_restore(process: ProcessEnvironment, forget: Callable[[], None]) -> None:
    """A SnapStart snapshot is restored on another machine, where the connections in it lead nowhere."""
    if process.restores:
        from gateway_core.lambda_stream import on_restore  # noqa: PLC0415 - brings the runtime, on Lambda only

        on_restore(forget)


def mcp_app(environ: Mapping[str, str], apps: Mapping[str, ASGIApp] | None = None) -> ASGIApp:
    """The MCP endpoint. It invokes the Lambdas named by GATEWAY_FUNCTION_*, or `apps` in this process if given."""
    # Here, not above: only this function has FastMCP.
    from gateway_core.adapters.key_sets import HttpKeySetSource  # noqa: PLC0415
    from gateway_core.mcp_front.app import create_mcp  # noqa: PLC0415

    began = _Beginning.of(environ, with_catalog=False)
    light, settings = began.services, _mcp_settings(began, environ)
    by_lambda = WholeInvoker if is_sam_local(Environment(environ)) else LambdaInvoker
    invoker = by_lambda(began.process.functions) if apps is None else AsgiInvoker(apps)
    tokens = token_door(light, HttpKeySetSource())
    return create_mcp(invoker, light.authenticator, settings, light.telemetry, light.clock, tokens)


def token_door(light: Services, source: KeySetSource) -> TokenDoor | None:
    """What checks tokens, by keys that `source` fetches. None without a store, whose secret it needs."""
    # Here, not above: see `mcp_app`.
    from gateway_core.access.internal_identity import IdentitySeal  # noqa: PLC0415
    from gateway_core.access.subjects import Subjects  # noqa: PLC0415
    from gateway_core.mcp_front.oauth.door import TokenDoor  # noqa: PLC0415
    from gateway_core.mcp_front.oauth.verifier import TokenVerifier  # noqa: PLC0415

    if light.settings.store is None:
        return None
    subjects = Subjects(light.authenticator, light.store, light.clock)
    seal = IdentitySeal(light.settings.store.token)
    return TokenDoor(TokenVerifier(source, light.clock), subjects, seal, light.clock)


def mcp_stdio(environ: Mapping[str, str], invoker: Invoker, key: str) -> StdioServer:
    """The same tools over stdin and stdout, for the one who has `key`."""
    # Here, not above: see `mcp_app`.
    from gateway_core.mcp_front.stdio import StdioServer  # noqa: PLC0415

    began = _Beginning.of(environ, with_catalog=False)
    light, settings = began.services, _mcp_settings(began, environ)
    return StdioServer(invoker, light.authenticator, settings, light.telemetry, light.clock, key)


def _mcp_settings(began: _Beginning, environ: Mapping[str, str]) -> Current[McpSettings]:
    # Here, not above: see `mcp_app`.
    from gateway_core.mcp_front.logs import quiet_libraries  # noqa: PLC0415
    from gateway_core.mcp_front.settings import McpSettings  # noqa: PLC0415

    quiet_libraries(began.services.telemetry)
    env = completed(environ, began.inputs.secrets)

    def wire(now: GatewaySettings) -> McpSettings:
        return McpSettings.from_env(
            env, now.crowd, now.oauth, body_limit=now.body_limit, default_timeout_s=now.default_timeout_s
        )

    return began.reloading(wire)


def with_gateway(light: Services, provider: ModelProvider, draw: Draw = random.random) -> ModelServices:
    """Add a gateway that calls models through `provider`, and leaves to `draw` what is left to chance."""
    # Here, not above: functions that call no model start without them.
    from gateway_core.batch.validation.registry import Registry  # noqa: PLC0415
    from gateway_core.pipeline.admission import FailoverPolicy  # noqa: PLC0415
    from gateway_core.pipeline.caching import CachingGateway  # noqa: PLC0415
    from gateway_core.pipeline.downgrading import Downgrading  # noqa: PLC0415
    from gateway_core.pipeline.failover import Failover  # noqa: PLC0415
    from gateway_core.pipeline.gateway import Gateway  # noqa: PLC0415
    from gateway_core.pipeline.model_router import ModelRouter  # noqa: PLC0415

    policy = FailoverPolicy(
        breaker=light.settings.breaker,
        queue_timeout_s=light.settings.queue_timeout_s,
        providers=light.settings.catalog.all_providers,
        retry=light.settings.retry,
    )
    emitter = Emitter(light.events, light.clock, light.telemetry)
    failover = Failover(light.ledger, light.clock, policy, light.telemetry, emitter, draw, provider.loading)
    router = ModelRouter(light.ledger, provider, light.clock, draw)
    downgrading = Downgrading(light.settings.downgrades, light.store, light.clock)
    gateway = Gateway(light.settings, provider, router, light.authenticator, failover, light.clock, downgrading)
    caching = CachingGateway(
        gateway, light.ledger, failover, light.clock, light.telemetry, light.settings.cache, policy
    )
    return ModelServices(
        light.settings,
        light.store,
        light.authenticator,
        light.telemetry,
        light.clock,
        light.ledger,
        light.events,
        caching,
        provider,
        Registry.load(light.settings.batch_strategies, light.settings.batch_response_models),
    )


def event_sink(process: ProcessEnvironment, telemetry: Telemetry, environ: Mapping[str, str]) -> FanOut:
    """The log, and the bus if there is one."""
    if process.event_bus is None:
        return FanOut(EventLog(telemetry))
    from gateway_core.adapters.eventbridge import EventBridgeSink, connect  # noqa: PLC0415 - for AWS only

    bridge = EventBridgeSink(process.event_bus, telemetry, connect(environ))
    _after_restore(process, bridge.forget_connections)
    return FanOut(EventLog(telemetry), bridge)


def _telemetry(settings: GatewaySettings, process: ProcessEnvironment, tracer: Tracer | None) -> Telemetry:
    return Telemetry(
        level=settings.log_level,
        metrics=process.on_lambda,
        service=process.service or SERVICE,
        log_format=process.log_format,
        tracer=tracer,
    )
