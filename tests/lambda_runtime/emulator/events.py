"""API Gateway proxy events, as the fronts make them from HTTP requests."""

from __future__ import annotations

import base64
import uuid
from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

type Pairs = Iterable[tuple[str, str]]

STAGE = "live"


def rest_event(method: str, target: str, headers: Pairs = (), body: bytes = b"") -> dict[str, Any]:
    """A REST API's event (format 1.0), from its own domain: the stage is in `requestContext.path` only."""
    url = urlsplit(target)
    many = _grouped(headers)
    query = _grouped(parse_qsl(url.query, keep_blank_values=True))
    return {
        "resource": "/{proxy+}",
        "path": url.path,
        "httpMethod": method,
        "headers": {name: values[-1] for name, values in many.items()},
        "multiValueHeaders": many,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": {"proxy": url.path.removeprefix("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api1234567",
            "domainName": "api1234567.execute-api.eu-central-1.amazonaws.com",
            "httpMethod": method,
            "identity": {"sourceIp": "192.0.2.7"},
            "path": f"/{STAGE}{url.path}",
            "protocol": "HTTP/1.1",
            "requestId": str(uuid.uuid4()),
            "resourcePath": "/{proxy+}",
            "stage": STAGE,
        },
        **_body(body),
    }


def url_event(
    method: str, target: str, headers: Pairs = (), body: bytes = b"", stage: str = "$default"
) -> dict[str, Any]:
    """A function URL's or an HTTP API's event (format 2.0): header values joined, cookies apart."""
    url = urlsplit(target)
    many = _grouped(headers)
    cookies = [cookie.strip() for value in many.pop("cookie", []) for cookie in value.split(";")]
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": url.path,
        "rawQueryString": url.query,
        **({"cookies": cookies} if cookies else {}),
        "headers": {name: ",".join(values) for name, values in many.items()},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "url1234567",
            "domainName": "api1234567.execute-api.eu-central-1.amazonaws.com",
            "http": {"method": method, "path": unquote(url.path), "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7"},
            "requestId": str(uuid.uuid4()),
            "stage": stage,
        },
        **_body(body),
    }


def _grouped(pairs: Pairs) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = defaultdict(list)
    for name, value in pairs:
        grouped[name].append(value)
    return dict(grouped)


def _body(body: bytes) -> dict[str, Any]:
    try:
        return {"body": body.decode() or None, "isBase64Encoded": False}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
