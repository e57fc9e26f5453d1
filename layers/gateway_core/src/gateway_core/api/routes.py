"""Which method and path go to which handler. Starlette's own routes, as nothing else of a framework is needed here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Concatenate

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway_core.api.error_forms import OWN_FORM, ErrorForm

type Handler = Callable[Concatenate[Request, ...], Awaitable[Response | Mapping[str, Any]]]
"""Takes the request, and what the path names by keyword. What is no answer yet is sent as JSON, with status 200."""


class Routes:
    """The routes of one router, in order, and how its wire tells errors."""

    def __init__(self, form: ErrorForm = OWN_FORM) -> None:
        self.all: list[Route] = []
        self._handlers: dict[str, dict[str, Handler]] = {}
        self._form = form
        self._elsewhere: list[tuple[str, ErrorForm]] = []

    @property
    def forms(self) -> list[tuple[str, ErrorForm]]:
        """The forms by path: that of the routes, and those of other routers' paths."""
        own = [] if self._form is OWN_FORM else [(route.path, self._form) for route in self.all]
        return [*own, *self._elsewhere]

    def tells(self, path: str, form: ErrorForm) -> None:
        """Have what is below another router's path told in its form, where its unknown paths lead here."""
        self._elsewhere.append((path, form))

    def get[H: Handler](self, path: str) -> Callable[[H], H]:
        """A decorator: GET requests to `path` go to the handler."""
        return self._add("GET", path)

    def post[H: Handler](self, path: str) -> Callable[[H], H]:
        """As `get`, for POST."""
        return self._add("POST", path)

    def delete[H: Handler](self, path: str) -> Callable[[H], H]:
        """As `get`, for DELETE."""
        return self._add("DELETE", path)

    def put[H: Handler](self, path: str) -> Callable[[H], H]:
        """As `get`, for PUT."""
        return self._add("PUT", path)

    def patch[H: Handler](self, path: str) -> Callable[[H], H]:
        """As `get`, for PATCH."""
        return self._add("PATCH", path)

    def _add[H: Handler](self, method: str, path: str) -> Callable[[H], H]:
        def add(handler: H) -> H:
            handlers = self._handlers.setdefault(path, {})
            if not handlers:
                self.all.append(Route(path, _Endpoint(handlers)))
            handlers[method] = handler
            route = next(route for route in self.all if route.path == path)
            route.methods = set(handlers)  # Starlette would add HEAD to GET, and name the first alone at a 405
            return handler

        return add


class _Endpoint:
    """The handlers of a path, by method, as an app. What handlers raise is for the app's own exception handlers.

    Of a function Starlette makes one with those handlers around it once more, which all pieces of a stream go through.
    """

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        found = await self._handlers[request.method](request, **request.path_params)
        answer = found if isinstance(found, Response) else JSONResponse(found)
        await answer(scope, receive, send)
