"""Base URLs of providers and of the store, checked before a secret is sent to one."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from gateway_core.domain.errors import ConfigError

_HOST = re.compile(r"[a-z0-9.-]+|[0-9a-f:.]+")
_PRINTABLE = re.compile(r"[!-~]+")


def check_base_url(url: str, where: str, *, allow_http: bool) -> str:
    """`url` with lower-case scheme and host and without a trailing slash, so that equal bases compare equal.

    Only http(s) with a host passes, without userinfo, query and fragment; http only to this machine itself unless
    `allow_http`. Raises ConfigError, which names `where` but never the URL: it may carry a secret.
    """
    try:
        return _check(url, allow_http=allow_http)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}. Give a URL like https://api.example.com/v1.") from None


def is_on_this_machine(url: str) -> bool:
    """Whether a checked base URL names this machine by a loopback address."""
    return _is_loopback(urlsplit(url).hostname or "")


def _check(url: str, *, allow_http: bool) -> str:
    # urlsplit drops control characters and keeps backslashes: what it does not show must not be there.
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise ValueError("the base URL has characters that do not belong in a URL")
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not _HOST.fullmatch(host):
        raise ValueError("the base URL is not http(s) with a host")
    if "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("the base URL carries userinfo, a query or a fragment")
    if parts.scheme == "http" and not allow_http and not _is_loopback(host):
        raise ValueError("plain http leaves this machine; use https, or set GATEWAY_ALLOW_HTTP=1 in a trusted network")
    return _plain(parts, host)


def _plain(parts: SplitResult, host: str) -> str:
    port = "" if parts.port is None else f":{parts.port}"
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}{port}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
