"""Watching `make run` live."""

import httpx
import pytest

from tests.e2e.conftest import fork, stop
from tests.local.test_live_events import watching
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")


def test_a_call_can_be_watched_and_who_watches_delays_no_stop():
    """What one function tells is seen at the gateway's one address; SIGTERM ends the stream, which has all the time."""
    stack = fork(DRAIN_S="900", LOG_FORMAT="text")
    url, key = stack.urls["Gateway"], stack.urls["Key"]
    with watching(f"{url}/v1/events", key) as events:
        asked = {"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast"}
        headers = {"authorization": f"Bearer {key}"}
        answer = httpx.post(f"{url}/v1/complete", headers=headers, json=asked, timeout=patience(60))
        told = next(events)
        assert (told["event"], told["data"]["detail"]["request_id"]) == ("request.cost", answer.json()["id"])
        assert stop(stack) == 0
        assert list(events) == []
    assert f"INFO  usage request_id={answer.json()['id']}" in stack.text
