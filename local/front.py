"""All functions in one ASGI app: each request goes to the app of the function that API Gateway would invoke."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway_core.adapters.feed import EventFeed
from gateway_core.adapters.job_bell import JobBell
from gateway_core.api.app import create_app
from gateway_core.api.dashboard import LIVE_EVENTS
from gateway_core.api.routes import Routes
from gateway_core.api.turn import LIMITER
from gateway_core.bootstrap import light_services, mcp_app
from gateway_core.config.environment import Environment
from gateway_core.crowd.limiter import Limiter
from gateway_core.services import Current, Services
from local.live_events import events_router
from local.observing import Observing

ADMIN = "admin"
"""What no other function may invoke."""
ROUTES: Mapping[str, str] = {
    "/v1/complete": "complete",
    "/v1/stream": "stream",
    "/v1/chat/completions": "stream",
    "/v1/messages": "stream",
    "/v1/messages/count_tokens": "tokens",
    "/v1/responses": "stream",
    "/ask": "ask",
    "/v1/embeddings": "embed",
    "/v1/tokens": "tokens",
    "/v1/usage": "usage",
    "/v1/usage/records": "usage",
    "/v1/budgets": "usage",
    "/v1/holds": "usage",
    "/v1/key": "usage",
    "/dashboard": "usage",
    "/v1/invoices": "usage",
    "/v1/models": "models",
    "/health": "health",
    "/health/providers": "health",
    "/openapi.json": "health",
    "/mcp": "mcp",
    "/register": "mcp",
    "/.well-known/oauth-protected-resource": "mcp",
    "/.well-known/oauth-protected-resource/mcp": "mcp",
}
"""Path to function folder, as in template.yaml; a test compares the two."""
BELOW: Mapping[str, str] = {
    "/v1/models/": "models",
    "/v1/responses/": "stream",
    "/v1/usage/records/": "usage",
    "/dashboard/": "usage",
    "/ask/": "ask",
    "/admin/": ADMIN,
}
"""The same for every path that begins so."""
LOCAL_ROUTES: Mapping[str, str] = {"/v1/events": "events", "/metrics": "events"}
"""What only one machine can have. On AWS their ways are EventBridge and CloudWatch."""


def load_apps() -> dict[str, Starlette]:
    """Import each function's app but MCP's. They read their settings from the process environment, as on Lambda."""
    names = sorted({*ROUTES.values(), *BELOW.values()} - {"mcp"})
    return {name: import_module(f"functions.{name}.app").app for name in names}


def load_front(feed: EventFeed, observing: Observing | None = None) -> ASGIApp:
    """All apps behind one port. The MCP front invokes the others; here it calls their apps.

    What they tell goes to `feed` too, which has an app of its own, and `observing` hears of it.
    """
    observing = observing or Observing.of(os.environ)
    services = light_services(os.environ)
    events = create_app(services, events_router(feed), _metrics(observing))
    apps = load_apps()
    for app in apps.values():
        app.state.events.attach(feed)
    for app in (*apps.values(), events):
        for observer in observing.observers:
            app.state.telemetry.attach(observer)
    limiter = Limiter(services.now().telemetry.crowded)
    invoked = {name: app for name, app in apps.items() if name != ADMIN}
    parts: dict[str, ASGIApp] = {**apps, "mcp": mcp_app(os.environ, invoked), "events": events}
    return observing.around(Front(parts, limiter), limiter)


def _metrics(observing: Observing) -> Callable[[Current[Services]], Routes]:
    from local.metrics_route import metrics_router  # noqa: PLC0415 - loads Prometheus' library, see `observing`

    return metrics_router(observing.prometheus, Environment(os.environ).text("GATEWAY_METRICS_TOKEN") or "")


def job_bell() -> JobBell:
    """What rings when `/ask` accepts a job."""
    bell = import_module("functions.ask.app").jobs.starter
    assert isinstance(bell, JobBell)  # noqa: S101 - for the types: outside Lambda it is one
    return bell


class Front:
    """What API Gateway is on AWS. All functions share the slots of the process.

    An unknown path goes to `health`, whose app answers 404 in our shape.
    """

    def __init__(self, functions: Mapping[str, ASGIApp], limiter: Limiter) -> None:
        self._functions = functions
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on."""
        scope = as_sent(scope)
        if scope["type"] == "http":
            scope.setdefault("state", {}).update({LIMITER: self._limiter, LIVE_EVENTS: "events" in self._functions})
        await self._functions[function_of(scope.get("path", ""))](scope, receive, send)


def as_sent(scope: Scope) -> Scope:
    """The same, but a path in which a slash of ours is encoded is no route: it stays as it was sent.

    Behind a prefix of `BELOW` a slash belongs to a name, as in API Gateway.
    """
    path, raw = scope.get("path", ""), scope.get("raw_path", b"").decode("latin-1")
    segments = path.split("/")
    sent = [unquote(segment) for segment in raw.split("/")]
    known = next((prefix.count("/") for prefix in BELOW if path.startswith(prefix)), len(segments))
    is_same = sent[:known] == segments[:known] and (known < len(segments) or len(sent) == len(segments))
    return scope if is_same or not raw else {**scope, "path": raw}


def route_of(path: str) -> str:
    """Few names for many paths."""
    if path in ROUTES or path in LOCAL_ROUTES:
        return path
    return next((f"{prefix}{{id}}" for prefix in BELOW if path.startswith(prefix)), "(unknown)")


def function_of(path: str) -> str:
    """The function that serves a path."""
    below = (name for prefix, name in BELOW.items() if path.startswith(prefix))
    return ROUTES.get(path) or LOCAL_ROUTES.get(path) or next(below, "health")
