"""This machine's own address, and the error of who cannot serve there; apart from the server, which loads for long."""

from __future__ import annotations

LOOPBACK = "127.0.0.1"


class ServingError(RuntimeError):
    """The app did not start: its port is taken, or its lifespan failed."""
