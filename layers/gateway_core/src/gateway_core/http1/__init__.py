"""A client for HTTP/1.1 on asyncio alone, for the store and for providers: one request, sent once, and what comes back.

`requests` says what is sent, `reader` and `heads` read what comes (pure), `connection` moves the bytes, `pool` keeps
connections, and `allowance` counts the time that the other side has. Why not a library: docs/decisions/0017.
"""

from gateway_core.http1.allowance import Allowance
from gateway_core.http1.errors import (
    AnswerTimeout,
    ConnectError,
    ConnectionBroken,
    ConnectTimeout,
    HttpError,
    LineTimeout,
    MalformedAnswer,
    UnwantedAnswer,
)
from gateway_core.http1.pool import Answer, Limits, Pool, Response
from gateway_core.http1.requests import Request, Template, Url
from gateway_core.http1.tls import LazyTls

__all__ = [
    "Allowance",
    "Answer",
    "AnswerTimeout",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionBroken",
    "HttpError",
    "LazyTls",
    "Limits",
    "LineTimeout",
    "MalformedAnswer",
    "Pool",
    "Request",
    "Response",
    "Template",
    "UnwantedAnswer",
    "Url",
]
