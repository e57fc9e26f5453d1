"""Which method and path go to which handler. Starlette's own routes, as nothing else of a framework is needed here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Concatenate

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway_core.api.error_forms import OWN_FORM, ErrorForm

type Handler = Callable[Concatenate[Request, ...], Awaitable[Response | Mapping[str, Any]]]
"""Takes the request, and what the path names by keyword. What is no answer yet is sent as JSON, with status 200."""


class Routes:
    """The routes of one router, in order, and how its wire tells errors."""

    def __init__(self, form: ErrorForm = OWN_FORM) -> None:
        self.all: list[Route] = []
        self._form = form

    @property
    def forms(self) -> list[tuple[str, ErrorForm]]:
        """The form by the paths of the routes."""
        return [] if self._form is OWN_FORM else [(route.path, self._form) for route in self.all]

    def get[H: Handler](self, path: str) -> Callable[[H], H]:
        """A decorator: GET requests to `path` go to the handler."""
        return self._add("GET", path)

    def post[H: Handler](self, path: str) -> Callable[[H], H]:
        """As `get`, for POST."""
        return self._add("POST", path)

    def delete[H: Handler](self, path: str) -> Callable[[H], H]:
        """As `get`, for DELETE."""
        return self._add("DELETE", path)

    def _add[H: Handler](self, method: str, path: str) -> Callable[[H], H]:
        def add(handler: H) -> H:
            route = Route(path, _endpoint(handler), methods=[method])
            route.methods = {method}  # Starlette would add HEAD to GET
            self.all.append(route)
            return handler

        return add


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        found = await handler(request, **request.path_params)
        return found if isinstance(found, Response) else JSONResponse(found)

    return endpoint
