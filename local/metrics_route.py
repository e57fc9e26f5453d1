"""GET /metrics, for Prometheus: with the token of GATEWAY_METRICS_TOKEN, or an admin key, as it tells what is spent."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from gateway_core.api.auth import identify
from gateway_core.api.routes import Routes
from gateway_core.domain.errors import Forbidden, StoreUnavailable
from gateway_core.services import Current, Services
from local.metrics import CONTENT_TYPE, PrometheusMetrics


def metrics_router(metrics: PrometheusMetrics, token: str) -> Callable[[Current[Services]], Routes]:
    """A factory of the route. With an empty `token` only keys open it."""

    def router(source: Current[Services]) -> Routes:
        routes = Routes()

        @routes.get("/metrics")
        async def scrape(request: Request) -> Response:
            services = source.now()
            if not _has(request, token) and not (await identify(request, services)).admin:
                raise Forbidden("Only an admin key, or the token of GATEWAY_METRICS_TOKEN, may see all that is spent.")
            return Response(await _text(services, metrics), media_type=CONTENT_TYPE)

        return routes

    return router


def _has(request: Request, token: str) -> bool:
    """Whoever has the token waits for no slot: a crowd is what it wants to see."""
    given = request.headers.get("authorization", "")
    return bool(token) and hmac.compare_digest(given.encode(), f"Bearer {token}".encode())


async def _text(services: Services, metrics: PrometheusMetrics) -> bytes:
    models: dict[tuple[str, str], str] = {}
    for one in services.settings.catalog.models.values():
        models.setdefault((one.provider, one.deployment.id), one.key)  # of several names of one the first
    try:
        fleet = await services.ledger.fleet_health(list(models))
    except StoreUnavailable:
        return metrics.text(None, models)
    return metrics.text(fleet.states, models)
