"""Sends the one request of an attempt: JSON to a path below the base URL, with the key as the wire wants it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.adapters.upstream.attempts import NO_KEY, Line
from gateway_core.domain.chat import Deployment
from gateway_core.domain.compact_json import compact
from gateway_core.http1 import Request, Url
from gateway_core.wires.codec import UpstreamRequest

_AGENT = ("user-agent", "llm-gateway")


class NotWholeError(Exception):
    """The provider answered with server-sent events, of which nobody had asked for any."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A request with its body as it is sent."""

    request: UpstreamRequest
    content: bytes


def encoded(request: UpstreamRequest) -> Encoded:
    """Halves of surrogate pairs, which JSON may hold and UTF-8 may not, go as question marks."""
    content = compact(request.body).encode("utf-8", "replace")
    return Encoded(request, content)


async def post(deployment: Deployment, ready: Encoded, line: Line) -> None:
    """Send; the answer's head is in, its body is still to be read. Raises TransportError, see `OnceTransport`."""
    url = Url.parse(deployment.api_base.rstrip("/") + ready.request.path)
    await line.transport.send(Request("POST", url, _headers(ready.request, line), ready.content))


async def post_and_read(deployment: Deployment, ready: Encoded, line: Line) -> None:
    """Send, and take the whole answer in: it is in `line.seen` then. Raises as `post`, and NotWholeError."""
    await post(deployment, ready, line)
    await line.transport.read_all()
    if line.seen.watch is not None:
        raise NotWholeError


def _headers(request: UpstreamRequest, line: Line) -> dict[str, str]:
    wire = line.seen.wire.models
    key = {} if line.key is NO_KEY else {wire.key_header: wire.key_prefix + line.key.reveal()}
    return {"content-type": "application/json", **dict([_AGENT]), **dict(wire.headers), **dict(request.headers), **key}
