"""What an API Gateway event asks for. Mangum reads it; multi-value headers and the stage's path are added here."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, unquote

from mangum.adapter import DEFAULT_TEXT_MIME_TYPES
from mangum.handlers import APIGateway, HTTPGateway
from mangum.types import LambdaConfig, LambdaHandler, Response

from gateway_core.lambda_stream.prelude import Head

_log = logging.getLogger(__name__)


class LambdaRequest:
    """One HTTP request out of an event: the ASGI scope, with `aws.event` and `aws.context`, and the whole body."""

    def __init__(self, reader: LambdaHandler, event: dict[str, Any]) -> None:
        self._reader = reader
        self.body = reader.body
        self.scope = {**reader.scope, **_corrections(event, reader.scope["path"])}

    def proxy_response(self, head: Head, body: bytes) -> dict[str, Any]:
        """A whole answer in the form that belongs to the event's version."""
        pairs = [[name.encode("latin-1"), value.encode("latin-1")] for name, value in head.headers]
        return self.mangum_response({"status": head.status, "headers": pairs, "body": body})

    def mangum_response(self, response: Response) -> dict[str, Any]:
        """The same, of what Mangum has collected."""
        return self._reader(response)


def read_event(event: Any, context: Any) -> LambdaRequest | None:
    """The request in an event of a REST API (1.0), an HTTP API or a function URL (2.0); None for any other event."""
    reader = _reader_of(event)
    if reader is None:
        return None
    config = LambdaConfig(api_gateway_base_path="/", text_mime_types=DEFAULT_TEXT_MIME_TYPES, exclude_headers=[])
    return LambdaRequest(reader(event, context, config), event)


def acknowledged(event: Any) -> dict[str, Any]:
    """The answer to an event that is no request: nothing is done, as it is nobody's mistake that it came."""
    _log.debug("no HTTP event: %s", sorted(event) if isinstance(event, dict) else type(event).__name__)
    return {"ignored": True}


def _reader_of(event: Any) -> type[LambdaHandler] | None:
    # Mangum takes every event with a `requestContext` and a `version`, which destinations of async calls have too.
    about = event.get("requestContext") if isinstance(event, dict) else None
    if not isinstance(about, dict):
        return None
    if event.get("version") == "2.0" and isinstance(about.get("http"), dict):
        return HTTPGateway
    return APIGateway if "httpMethod" in event and "path" in event and "elb" not in about else None


def _corrections(event: dict[str, Any], path: str) -> dict[str, Any]:
    about = event["requestContext"]
    root, full = _mount_v2(about, path) if "http" in about else _mount_v1(event, path)
    address = about["http"].get("sourceIp") if "http" in about else about.get("identity", {}).get("sourceIp")
    return {
        "headers": list(_headers(event)),
        "path": full,
        "raw_path": quote(full).encode(),
        "root_path": root,
        "client": (address, 0) if address else None,
        # Not 2.4: below it Starlette listens for `http.disconnect` while it waits for the next chunk.
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }


def _headers(event: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    found = {name.lower(): [value] for name, value in (event.get("headers") or {}).items()}
    found |= {name.lower(): values for name, values in (event.get("multiValueHeaders") or {}).items()}
    if cookies := event.get("cookies") or found.get("cookie"):
        found["cookie"] = ["; ".join(cookies)]
    return ((name.encode(), value.encode()) for name, values in found.items() for value in values)


def _mount_v1(event: dict[str, Any], path: str) -> tuple[str, str]:
    """(root_path, path): the stage or the custom domain's base path is what precedes the matched resource."""
    route = event.get("resource") or ""
    for name, value in (event.get("pathParameters") or {}).items():
        route = route.replace(f"{{{name}+}}", value).replace(f"{{{name}}}", value)
    route, full = unquote(route), unquote(event["requestContext"].get("path") or path)
    return (full.removesuffix(route), full) if route and full.endswith(route) else ("", path)


def _mount_v2(about: dict[str, Any], path: str) -> tuple[str, str]:
    """(root_path, path): only API Gateway's own domain has the stage in the path."""
    root = f"/{about.get('stage')}"
    mounted = ".execute-api." in about.get("domainName", "") and path.startswith(f"{root}/")
    return (root if mounted else "", path)
