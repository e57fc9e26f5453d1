"""What observes this gateway beside its log: Prometheus, by `GET /metrics`, and a collector, by OTLP if one is named.

Both libraries are loaded here and nowhere else, each when it is needed: Prometheus' looks at its environment then.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway_core.config.environment import Environment
from gateway_core.crowd.limiter import Limiter
from gateway_core.telemetry.ports import Observer

if TYPE_CHECKING:
    from gateway_core.adapters.otel import OtelObserver
    from local.metrics import PrometheusMetrics

SHARED_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own variable: processes that have it add up in files there."""
_COLLECTORS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_OFF = "OTEL_SDK_DISABLED"
_FLUSH_S = 2.0


@dataclass(frozen=True, slots=True)
class Observing:
    """What hears of everything in this process. `otel` is None where no collector is named."""

    prometheus: PrometheusMetrics
    otel: OtelObserver | None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Observing:
        from local.metrics import PrometheusMetrics  # noqa: PLC0415 - see above

        return cls(PrometheusMetrics(), _otel(environ))

    @property
    def observers(self) -> tuple[Observer, ...]:
        return (self.prometheus, self.otel) if self.otel else (self.prometheus,)

    def around(self, front: ASGIApp, limiter: Limiter) -> ASGIApp:
        """The app with its requests counted, and traced below whoever calls."""
        from local.front import route_of  # noqa: PLC0415 - it knows this module

        counted = _Counted(front, self.prometheus, limiter)
        if self.otel is None:
            return counted
        from gateway_core.adapters.otel import TracedRequests  # noqa: PLC0415 - see above

        return TracedRequests(counted, self.otel, route_of)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within the block a collector is told, in the end for two seconds at most of what it has not been told."""
        if self.otel is None:
            yield
            return
        self.otel.start()
        try:
            yield
        finally:
            self.otel.flush(_FLUSH_S)


class _Counted:
    def __init__(self, app: ASGIApp, metrics: PrometheusMetrics, limiter: Limiter) -> None:
        self._app = app
        self._metrics = metrics
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._metrics.in_flight(self._limiter):
            await self._app(scope, receive, send)


@contextmanager
def added_up(workers: int) -> Iterator[None]:
    """Within the block, processes that are forked count together. To be entered before any metric is made."""
    if workers == 1 or os.environ.get(SHARED_FOLDER):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="llm-gateway-metrics-") as folder:
        os.environ[SHARED_FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[SHARED_FOLDER]


def forget(pid: int) -> None:
    """A process that counted has ended: what it had under way is nobody's any more."""
    if os.environ.get(SHARED_FOLDER):
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - see above

        mark_process_dead(pid)  # type: ignore[no-untyped-call]


def _otel(environ: Mapping[str, str]) -> OtelObserver | None:
    env = Environment(environ)
    if not any(env.text(name) for name in _COLLECTORS) or (env.text(_OFF) or "").lower() == "true":
        return None
    from gateway_core.adapters.otel import OtelObserver  # noqa: PLC0415 - see above

    return OtelObserver(env.text("OTEL_SERVICE_NAME") or env.text("POWERTOOLS_SERVICE_NAME") or "llm-gateway")
