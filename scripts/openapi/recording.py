"""Sends the examples to a gateway, in order, and keeps what it answers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from scripts.openapi.operation import Example, Operation

type Json = dict[str, Any]
_PATIENCE_S, _PAUSE_S = 30.0, 0.1
_SECRET = re.compile(r"\b(gk_[a-z0-9-]+_)[\w-]{20,}")


def record(operations: Sequence[Operation], http: httpx.Client) -> dict[str, dict[str, Json]]:
    """Answers by operation and example, as `{"status", "type", "answer"}`; `http` has the gateway's URL and a key."""
    found: dict[str, dict[str, Json]] = {}
    for operation, example, response in answered(operations, http):
        found.setdefault(operation.id, {})[example.name] = {
            "status": response.status_code,
            "type": media_type(response),
            "answer": content(response),
        }
    return found


def answered(
    operations: Sequence[Operation], http: httpx.Client
) -> Iterator[tuple[Operation, Example, httpx.Response]]:
    """Each example with its answer."""
    saved: dict[str, str] = {}
    for operation in operations:
        for example in operation.examples:
            response = _patiently(operation, example, saved, http)
            saved |= {name: response.json()[member] for name, member in example.saves.items()}
            yield operation, example, response


def media_type(response: httpx.Response) -> str:
    """Without parameters."""
    return response.headers.get("content-type", "").partition(";")[0]


def content(response: httpx.Response) -> Any:
    """JSON, or the text of a stream; without secrets of keys, of whatever gateway they were."""
    text = _SECRET.sub(r"\1...", response.text)
    return json.loads(text) if media_type(response) == "application/json" else text


def _patiently(operation: Operation, example: Example, saved: Mapping[str, str], http: httpx.Client) -> httpx.Response:
    until = time.monotonic() + _PATIENCE_S
    while True:
        response = _sent(operation, example, saved, http)
        if not example.until or response.json().get("state") == example.until or time.monotonic() > until:
            return response
        time.sleep(_PAUSE_S)


def _sent(operation: Operation, example: Example, saved: Mapping[str, str], http: httpx.Client) -> httpx.Response:
    parts = {name: value.format(**saved) for name, value in example.path.items()}
    request = http.build_request(
        operation.method,
        operation.path.format(**parts),
        json=example.body,
        params=dict(example.query),
        headers=dict(example.headers),
    )
    if not example.with_key:
        del request.headers["authorization"]
    return http.send(request)
