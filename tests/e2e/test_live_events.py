"""Watching `make run` live."""

import time

import httpx
import pytest

from tests.e2e.conftest import fork, stop
from tests.local.test_live_events import watching

pytestmark = pytest.mark.xdist_group("e2e")


def test_a_call_can_be_watched_and_who_watches_delays_no_stop():
    """What one function tells is seen at the gateway's one address; SIGTERM ends the stream at once."""
    stack = fork(DRAIN_S="40", LOG_FORMAT="text")
    url, key = stack.urls["Gateway"], stack.urls["Key"]
    with watching(f"{url}/v1/events", key) as events:
        asked = {"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast"}
        answer = httpx.post(f"{url}/v1/complete", headers={"authorization": f"Bearer {key}"}, json=asked, timeout=60)
        told = next(events)
        assert (told["event"], told["data"]["detail"]["request_id"]) == ("request.cost", answer.json()["id"])
        began = time.monotonic()
        assert stop(stack) == 0
        assert time.monotonic() - began < 20
        assert list(events) == []
    assert f"INFO  usage request_id={answer.json()['id']}" in stack.text
