"""The application factory: routers in, one ASGI app out."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette

from gateway_core.api.cors import Pages
from gateway_core.api.error_forms import ErrorForms
from gateway_core.api.errors import install, serves_openapi
from gateway_core.api.guard import RequestGuard
from gateway_core.api.head import HeadAsGet
from gateway_core.api.routes import Routes
from gateway_core.services import Current, Services


def create_app[S: Services](source: Current[S], *routers: Callable[[Current[S]], Routes]) -> Starlette:
    """An app that serves `routers`, each request with what `source` has then.

    It publishes no schema page: the wire is documented, not discovered. `app.state.events` is where its events go,
    and `app.state.telemetry` what tells its operator.
    """
    found = [router(source) for router in routers]
    app = Starlette(routes=[route for routes in found for route in routes.all])
    forms = ErrorForms(form for routes in found for form in routes.forms)
    app.router.redirect_slashes = False
    telemetry = source.now().telemetry
    app.state.events, app.state.telemetry = source.now().events, telemetry
    install(app, telemetry, forms, lambda scope: serves_openapi(scope, source.now().settings.serve_openapi))
    app.add_middleware(RequestGuard, telemetry=telemetry, forms=forms, now_ms=source.now().clock.now_ms)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Pages, origins=lambda: source.now().settings.web_origins)
    return app
