"""How the other side proves who it is: by the certificates of `certifi`, or those that the environment names."""

from __future__ import annotations

import os
import ssl


class LazyTls:
    """The context, made when it is needed first: that takes 20 ms."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Verifies the certificate and the host's name. Raises OSError where the environment names no certificates."""
        if self._context is None:
            self._context = _new_context()
        return self._context


def _new_context() -> ssl.SSLContext:
    if file := os.environ.get("SSL_CERT_FILE"):
        context = ssl.create_default_context(cafile=file)
    elif folder := os.environ.get("SSL_CERT_DIR"):
        context = ssl.create_default_context(capath=folder)
    else:
        import certifi  # noqa: PLC0415 - not for those who bring their own

        context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
