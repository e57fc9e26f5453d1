"""Who may ask, and through which address."""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import Request
from starlette.types import Scope

from local.upstash.call import ApiError, query_pairs


@dataclass(frozen=True, slots=True)
class Tokens:
    """The two tokens of a database; an empty `read_only` is no token at all.

    Raises:
        ValueError: `full` is empty, which would let everybody in.
    """

    full: str
    read_only: str = ""

    def __post_init__(self) -> None:
        if not self.full:
            raise ValueError("the token must not be empty")

    def is_read_only(self, request: Request) -> bool:
        """Whether the request's token is the read-only one.

        Raises:
            ApiError: 401, no token or a wrong one.
        """
        given = _token_of(request)
        full = hmac.compare_digest(given, self.full.encode())
        read_only = hmac.compare_digest(given, self.read_only.encode()) and bool(self.read_only)
        if not (full or read_only):
            raise ApiError("WRONGPASS invalid or missing auth token", 401)
        return not full


def _token_of(request: Request) -> bytes:
    header = request.headers.get("authorization", "").encode("latin-1")
    scheme, _, token = header.partition(b" ")
    if scheme.lower() == b"bearer":
        return token.strip()
    return dict(query_pairs(request)).get(b"_token", b"")


def require_address(scope: Scope, also: str = "") -> None:
    """Answer on this machine's own addresses and on `also` only: the stand-in has no TLS and a well-known token.

    Raises:
        ApiError: 403, the connection came in on another address, or on one that cannot be told.
    """
    host = (scope.get("server") or ("",))[0]
    if not _is_loopback(host) and not (also and host == also):
        raise ApiError("ERR the local stand-in answers on loopback addresses only", 403)


@lru_cache(maxsize=64)
def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
