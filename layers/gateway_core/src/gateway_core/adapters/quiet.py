"""The HTTP library says nothing of what it sends: at DEBUG it would write headers, and with them keys."""

from __future__ import annotations

import logging

_LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")))


def silence_http() -> None:
    """For whoever makes connections, before they are made; twice is as good as once."""
    for name in _LOGGERS:
        logging.getLogger(name).disabled = True
