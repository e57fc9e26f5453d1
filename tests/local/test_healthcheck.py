"""What Docker asks of the container, again and again."""

import pytest
from starlette.responses import Response

from local.healthcheck import is_alive
from local.loopback import LOOPBACK
from local.serving import bind, serve


@pytest.mark.parametrize(("status", "alive"), [(200, True), (503, False), (404, False)])
def test_only_a_gateway_that_answers_well_is_alive(status, alive):
    """On its own port of this machine."""
    with serve(Response(status_code=status)) as url:
        assert is_alive(int(url.rpartition(":")[2])) is alive


def test_a_gateway_that_is_gone_is_not_alive():
    """Nobody listens: an answer, not an error."""
    with bind(0, LOOPBACK) as sock:
        port = sock.getsockname()[1]
    assert not is_alive(port)


def test_a_gateway_that_hangs_is_not_alive(monkeypatch):
    """It takes the connection and says nothing: the check ends by itself."""
    monkeypatch.setattr("local.healthcheck.TIMEOUT_S", 0.1)
    with bind(0, LOOPBACK) as sock:
        sock.listen()
        assert not is_alive(sock.getsockname()[1])
