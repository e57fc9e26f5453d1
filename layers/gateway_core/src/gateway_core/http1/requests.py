"""What is sent, and where to. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, override
from urllib.parse import quote, urlsplit

_PORTS = {"http": 80, "https": 443}
_TARGET_SAFE = "/?:@!$&'()*+,;=%~[]-._"
_HOST = re.compile(r"[0-9a-z._~:%!$&'()*+,;=-]+")
_TARGET = re.compile(r"[!-~]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


class Origin(NamedTuple):
    """Who is spoken to: what connections, and keys, belong to."""

    scheme: str
    host: str
    port: int

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """As the header `host` has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Url:
    """An absolute http(s) URL: its origin, and path and query as they are sent."""

    origin: Origin
    target: str

    @classmethod
    def parse(cls, text: str) -> Url:
        """Raises ValueError for anything else, for userinfo, and for a host that is none."""
        return _parsed(text)

    @property
    def host(self) -> str:
        return self.origin.host

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @override
    def __str__(self) -> str:
        return f"{self.origin.scheme}://{self.origin.authority}{self.target}"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; `host` and the length are added to them."""

    method: str
    url: Url
    headers: Mapping[str, str]
    content: bytes = b""

    def head(self) -> bytes:
        """As it is sent. Raises ValueError for what would be read as something else."""
        start = _start(self.method, self.url, self.headers)
        return start + (b"\r\n" if self.method == "GET" else b"content-length: %d\r\n\r\n" % len(self.content))


class Template:
    """A POST that is sent again and again, each time with another content."""

    def __init__(self, url: Url, headers: Mapping[str, str]) -> None:
        """Raises ValueError as `Request.head`."""
        self.origin = url.origin
        self._start = _start("POST", url, headers)

    def head(self, content: bytes) -> bytes:
        """As it is sent."""
        return b"%bcontent-length: %d\r\n\r\n" % (self._start, len(content))


def _start(method: str, url: Url, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {url.target} HTTP/1.1", f"host: {url.origin.authority}"]
    for name, value in headers.items():
        if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value)):
            raise ValueError("a header that cannot be sent")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, ""]).encode("latin-1")


@lru_cache(maxsize=256)
def _parsed(text: str) -> Url:
    """The same few URLs are asked again and again."""
    parts = urlsplit(text)
    if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None:
        raise ValueError("not an absolute http(s) URL without userinfo")
    host = parts.hostname.lower()
    host = host if host.isascii() else host.encode("idna").decode()
    if not _HOST.fullmatch(host):
        raise ValueError("not a host")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(target):
        target = quote(target, safe=_TARGET_SAFE)
    return Url(Origin(parts.scheme, host, parts.port or _PORTS[parts.scheme]), target)
