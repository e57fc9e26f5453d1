"""Calls one service of AWS, from any thread: signed, once, over connections that are kept."""

from __future__ import annotations

import json
import math
import re
import select
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any

from gateway_core.adapters.aws.account import Account, Endpoint, Service
from gateway_core.adapters.aws.errors import AwsError
from gateway_core.adapters.aws.signature import Scope, signed
from gateway_core.domain.compact_json import compact
from gateway_core.http1.tls import context_of

_CONTENT_TYPE = "application/x-amz-json-1.1"
_MOST_BYTES = 4 * 1024 * 1024
_MOST_KEPT = 4
_IDLE_S = 30.0
_LASTING = (ssl.SSLCertVerificationError, FileNotFoundError, PermissionError)
_CODE = re.compile(r"(?:.*#)?([A-Za-z0-9._-]{1,80})(?::.*)?", re.DOTALL)
_PASSING = re.compile(
    r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|InternalFailure|InternalServer|Unavailable"
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, and for each read of an answer."""

    connect_s: float
    read_s: float

    def within(self, seconds: float) -> Timeouts:
        """None of them longer."""
        return Timeouts(min(self.connect_s, seconds), min(self.read_s, seconds))


@dataclass(frozen=True, slots=True)
class _Kept:
    connection: HTTPConnection
    endpoint: Endpoint
    since_s: float


class JsonCalls:
    """One request a call, and never a second one: whether to try again is the caller's to say."""

    def __init__(
        self, service: Service, account: Account, timeouts: Timeouts, wall_s: Callable[[], float] = time.time
    ) -> None:
        self._service = service
        self._account = account
        self._timeouts = timeouts
        self._wall_s = wall_s
        self._kept: list[_Kept] = []
        self._lock = threading.Lock()

    def call(self, operation: str, arguments: Mapping[str, Any], within_s: float = math.inf) -> dict[str, Any]:
        """The answer's document. Raises AwsError. Blocks, and waits for nothing longer than `within_s`."""
        endpoint = self._account.endpoint(self._service)
        body = compact(arguments).encode()
        headers = self._headers(operation, endpoint, body)
        try:
            status, answer = self._exchange(endpoint, headers, body, self._timeouts.within(within_s))
        except (OSError, HTTPException) as error:
            raise AwsError(type(error).__name__, passing=not isinstance(error, _LASTING)) from None
        except ValueError:  # its text would quote the header
            raise AwsError("BadCredentials") from None
        found = _document(answer)
        if status == HTTPStatus.OK and found is not None:
            return found
        raise _refused(status, found)

    def close(self) -> None:
        """Close what is kept; a later call connects anew."""
        with self._lock:
            kept, self._kept = self._kept, []
        for one in kept:
            one.connection.close()

    def _headers(self, operation: str, endpoint: Endpoint, body: bytes) -> dict[str, str]:
        headers = {
            "host": endpoint.authority,
            "content-type": _CONTENT_TYPE,
            "x-amz-target": f"{self._service.target}.{operation}",
        }
        scope = Scope(self._account.region(), self._service.name)
        at = datetime.fromtimestamp(self._wall_s(), UTC)
        return signed(endpoint.path, headers, body, scope, self._account.credentials(), at)

    def _exchange(
        self, endpoint: Endpoint, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> tuple[int, bytes]:
        connection = self._take(endpoint) or self._connect(endpoint, timeouts.connect_s)
        try:
            connection.sock.settimeout(timeouts.read_s)
            connection.request("POST", endpoint.path, body, headers)
            with connection.getresponse() as response:
                found = response.status, _read(response)
                closes = response.will_close
        except BaseException:
            connection.close()
            raise
        if closes:
            connection.close()
        else:
            self._keep(connection, endpoint)
        return found

    def _connect(self, endpoint: Endpoint, wait_s: float) -> HTTPConnection:
        connection = (
            HTTPSConnection(
                endpoint.host, endpoint.port, timeout=wait_s, context=context_of(self._account.certificates())
            )
            if endpoint.secure
            else HTTPConnection(endpoint.host, endpoint.port, timeout=wait_s)
        )
        connection.connect()
        return connection

    def _take(self, endpoint: Endpoint) -> HTTPConnection | None:
        """The one that was used last, if it still lives; the process may have been frozen meanwhile."""
        while True:
            with self._lock:
                if not self._kept:
                    return None
                kept = self._kept.pop()
            idle_s = self._wall_s() - kept.since_s
            if kept.endpoint == endpoint and 0 <= idle_s <= _IDLE_S and _is_quiet(kept.connection):
                return kept.connection
            kept.connection.close()

    def _keep(self, connection: HTTPConnection, endpoint: Endpoint) -> None:
        with self._lock:
            if len(self._kept) < _MOST_KEPT:
                self._kept.append(_Kept(connection, endpoint, self._wall_s()))
                return
        connection.close()


def _read(response: HTTPResponse) -> bytes:
    found = response.read(_MOST_BYTES + 1)
    if len(found) > _MOST_BYTES or response.length:  # or it was cut
        raise HTTPException
    return found


def _is_quiet(connection: HTTPConnection) -> bool:
    """Whether nothing waits to be read: what does can only be the connection's end."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _document(answer: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(answer)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _refused(status: int, found: Mapping[str, Any] | None) -> AwsError:
    """By AWS's word for it, and never its text."""
    named = _CODE.fullmatch(str((found or {}).get("__type", "")))
    code = named[1] if named else f"HTTP {status}"
    passing = status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS
    return AwsError(code, passing=passing or bool(_PASSING.search(code)))
