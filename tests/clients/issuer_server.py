"""The authorization server of the tests on a port of its own, for clients in processes of their own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, override

from local.serving import base_url, bind, running, server_for
from tests.oauth_issuer import Issuer, issuer_app

_DRAIN_S = 1


@dataclass
class LiveIssuer(Issuer):
    """One whose tokens are good from now on, by the clock that the gateway's process has, too."""

    @override
    def claims(self, **changes: Any) -> dict[str, Any]:
        now_s = int(time.time())
        return super().claims(**{"iat": now_s, "exp": now_s + 3600, **changes})


@contextmanager
def issuing(resource: str) -> Iterator[LiveIssuer]:
    """An issuer for this resource that answers under its own address until the block is left."""
    sock = bind()
    issuer = LiveIssuer(issuer=base_url(sock), audience=resource)
    with running(server_for(issuer_app(issuer), _DRAIN_S), sock, _DRAIN_S):
        yield issuer
