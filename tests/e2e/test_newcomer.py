"""`make run` as a newcomer meets it: the one test of the stack in `make test`, the others are in `make test-stack`."""

import httpx
import pytest

from tests.e2e.conftest import start, stop
from tests.patience import patience


def test_without_any_key_every_provider_is_simulated():
    """It prints a key of its own, answers the README's call, and stops cleanly on SIGTERM."""
    stack = start()
    answer = httpx.post(
        f"{stack.urls['Gateway']}/v1/complete",
        headers={"authorization": f"Bearer {stack.urls['Key']}"},
        json={"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast"},
        timeout=patience(60),
    )
    assert answer.status_code == 200
    assert httpx.get(f"{stack.urls['Gateway']}/health", timeout=patience(30)).json()["status"] == "ok"
    assert stop(stack) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(stack.urls["Store"], timeout=patience(30))
