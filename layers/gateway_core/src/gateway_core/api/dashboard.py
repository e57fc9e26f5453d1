"""GET /dashboard: a page that shows what the API tells. It has no data itself; the browser asks with a key."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from gateway_core import __version__
from gateway_core.api.routes import Routes
from gateway_core.services import Current, Services

LIVE_EVENTS = "live_events"
"""In the state of a request's scope: /v1/events is served here, beside this route."""
PAGE = "index.html"
_FOLDER = "data/dashboard"
_TYPES: Mapping[str, str] = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "txt": "text/plain",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def router(_source: Current[Services]) -> Routes:
    """The routes. All links of the page are relative to it: it works below any path."""
    routes = Routes()

    @routes.get("/dashboard")
    async def page(request: Request) -> Response:
        return _file(request, PAGE)

    @routes.get("/dashboard/")
    async def slash(_request: Request) -> Response:
        return RedirectResponse("../dashboard", 308, _HEADERS)

    @routes.get("/dashboard/settings.json")
    async def settings(request: Request) -> Response:
        live = "events" if getattr(request.state, LIVE_EVENTS, False) else "records"
        return JSONResponse({"version": __version__, "live": live}, headers={**_HEADERS, "cache-control": "no-store"})

    @routes.get("/dashboard/{name:path}")
    async def part(request: Request, name: str) -> Response:
        return _file(request, name)

    return routes


def _file(request: Request, name: str) -> Response:
    """A file of the page, or 304 if the browser has it. Raises 404 for what is none."""
    found = _files().get(name)
    if found is None:
        raise HTTPException(404)
    content, tag = found
    # Always asked for again: parts of two releases must not meet in one browser.
    headers = {**_HEADERS, "etag": tag, "cache-control": "no-cache"}
    known = {given.strip().removeprefix("W/") for given in request.headers.get("if-none-match", "").split(",")}
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=_TYPES[name.rpartition(".")[2]])


@cache
def _files() -> Mapping[str, tuple[bytes, str]]:
    """Content and tag by name below the folder, read when first asked for."""
    found = dict(_read(files("gateway_core").joinpath(_FOLDER)))
    return {name: (content, f'"{hashlib.sha256(content).hexdigest()[:32]}"') for name, content in found.items()}


def _read(folder: Any, prefix: str = "") -> list[tuple[str, bytes]]:
    read: list[tuple[str, bytes]] = []
    for each in folder.iterdir():
        if each.is_dir():
            read += _read(each, f"{prefix}{each.name}/")
        elif each.name.rpartition(".")[2] in _TYPES:
            read.append((prefix + each.name, each.read_bytes()))
    return read
