"""How the other side proves who it is: by the certificates of `certifi`, or those that the environment names."""

from __future__ import annotations

import os
import ssl
from functools import lru_cache


class LazyTls:
    """The context, made when it is needed first."""

    def __init__(self) -> None:
        self._context: ssl.SSLContext | None = None

    def context(self) -> ssl.SSLContext:
        """Verifies the certificate and the host's name. Raises OSError where the environment names no certificates."""
        if self._context is None:
            self._context = context_of()
        return self._context


def context_of(file: str | None = None) -> ssl.SSLContext:
    """The context of all in this process who trust the same: to read the certificates takes 20 ms.

    That is `file` if it is given, else as above. Raises OSError.
    """
    return _read_context(file or os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@lru_cache(maxsize=8)
def _read_context(file: str | None, folder: str | None) -> ssl.SSLContext:
    if file:
        context = ssl.create_default_context(cafile=file)
    elif folder:
        context = ssl.create_default_context(capath=folder)
    else:
        import certifi  # noqa: PLC0415 - not for those who bring their own

        context = ssl.create_default_context(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
