"""`python -m local.healthcheck`: whether the gateway of this container answers, for Docker's HEALTHCHECK."""

from __future__ import annotations

import http.client
import os
import sys

from local.loopback import LOOPBACK

TIMEOUT_S = 2


def is_alive(port: int) -> bool:
    """Whether `/health` answers 200 on this machine's own address."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(not is_alive(int(os.environ.get("PORT") or 8787)))
