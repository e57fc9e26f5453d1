"""`make run` with a configuration that is edited meanwhile."""

import json
import time

import httpx
import pytest

from tests.e2e.conftest import KEY, fork, stop

pytestmark = pytest.mark.xdist_group("e2e")

PATIENCE_S = 20
PRICES = "pricing: {per_tokens: 1, models: {gpt-5.1-mini: {input: 1, output: 0}}}"


@pytest.fixture
def documents(tmp_path):
    """The groups and the prices, each in a file of its own."""
    groups, prices = tmp_path / "groups.yaml", tmp_path / "prices.yaml"
    groups.write_text("groups: {mine: [gemini-flash]}\n")
    prices.write_text(PRICES)
    return groups, prices


@pytest.fixture
def running(documents):
    """A stack that reads both, at its own pace."""
    stack = fork(GATEWAY_CONFIG=",".join(map(str, documents)), GATEWAY_DEV_KEY=KEY)
    yield stack
    assert stop(stack) == 0


@pytest.fixture
def ask(running):
    """Completes from a group."""
    with httpx.Client(base_url=running.urls["Gateway"], headers={"authorization": f"Bearer {KEY}"}, timeout=60) as http:
        yield lambda group: http.post(
            "/v1/complete", json={"messages": [{"role": "user", "content": "Hello"}], "model_group": group}
        )


def until(ask, group, served):
    """Ask until an answer is as wanted: the request that finds the configuration old does not wait for the new one."""
    deadline = time.monotonic() + PATIENCE_S
    while not served(answer := ask(group)):
        assert answer.status_code in {200, 404}, answer.text
        assert time.monotonic() < deadline
    return answer.json()


@pytest.mark.timeout(120)
def test_an_edited_document_counts_without_a_restart(running, documents, ask):
    """A new group works, new prices are charged, and a mistake changes nothing but the log."""
    groups, prices = documents
    assert ask("mine").json()["model"] == "gemini-flash"
    assert ask("another").status_code == 404
    groups.write_text("groups: {mine: [gpt-5.1-mini], another: [gpt-5.1-mini]}\n")
    done = until(ask, "another", lambda answer: answer.status_code == 200)
    assert (done["model"], ask("mine").json()["model"]) == ("gpt-5.1-mini", "gpt-5.1-mini")
    assert float(done["cost"]["total_usd"]) == done["usage"]["input_tokens"]
    prices.write_text(PRICES.replace("input: 1", "input: 2"))
    until(ask, "mine", lambda answer: float(answer.json()["cost"]["total_usd"]) == 2 * done["usage"]["input_tokens"])
    groups.write_text("groups: {mine: [gpt-5.1-mini, gpt-6]}\n")
    until(ask, "another", lambda _answer: "config rejected" in running.text)
    assert ask("another").json()["model"] == "gpt-5.1-mini"
    logged = [json.loads(line) for line in running.log if line.startswith("{")]
    (rejected,) = [line for line in logged if line["message"] == "config rejected"]
    assert "groups.mine: there is no model 'gpt-6'" in rejected["error"]
