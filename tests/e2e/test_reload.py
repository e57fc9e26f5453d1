"""`make run` with a configuration that is edited meanwhile."""

import json

import httpx
import pytest

from tests.e2e.conftest import KEY, UNHURRIED, fork, stop
from tests.e2e.moved import Mover
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

PRICES = "pricing: {per_tokens: 1, models: {gpt-5.1-mini: {input: 1, output: 0}}}"


@pytest.fixture
def documents(tmp_path):
    """The groups and the prices, each in a file of its own."""
    groups, prices = tmp_path / "groups.yaml", tmp_path / "prices.yaml"
    groups.write_text("groups: {mine: [gemini-flash]}\n")
    prices.write_text(PRICES)
    return groups, prices


@pytest.fixture
def clock(tmp_path):
    """Of the stack."""
    return Mover(tmp_path / "clock")


@pytest.fixture
def running(documents, clock):
    """A stack that reads both, at its own pace."""
    named = ",".join((*map(str, documents), UNHURRIED["GATEWAY_CONFIG"]))
    stack = fork("tests.e2e.moved", **clock.environ, GATEWAY_CONFIG=named, GATEWAY_DEV_KEY=KEY)
    yield stack
    assert stop(stack) == 0


@pytest.fixture
def ask(running):
    """Completes from a group."""
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=running.urls["Gateway"], headers=headers, timeout=patience(60)) as http:
        yield lambda group: http.post(
            "/v1/complete", json={"messages": [{"role": "user", "content": "Hello"}], "model_group": group}
        )


@pytest.fixture
def renewed(running, clock, ask):
    """Let the stack look at its documents: the request that finds them old does not wait for what comes of it."""

    def look(told):
        before = len(running.log)
        clock.passes(1)
        assert ask("mine").status_code == 200
        running.prints(told, after=before)

    return look


@pytest.mark.timeout(120)
def test_an_edited_document_counts_without_a_restart(running, documents, ask, renewed):
    """A new group works, new prices are charged, and a mistake changes nothing but the log."""
    groups, prices = documents
    assert ask("mine").json()["model"] == "gemini-flash"
    assert ask("another").status_code == 404
    groups.write_text("groups: {mine: [gpt-5.1-mini], another: [gpt-5.1-mini]}\n")
    renewed("config reloaded")
    done = ask("another").json()
    assert (done["model"], ask("mine").json()["model"]) == ("gpt-5.1-mini", "gpt-5.1-mini")
    assert float(done["cost"]["total_usd"]) == done["usage"]["input_tokens"]
    prices.write_text(PRICES.replace("input: 1", "input: 2"))
    renewed("config reloaded")
    assert float(ask("mine").json()["cost"]["total_usd"]) == 2 * done["usage"]["input_tokens"]
    groups.write_text("groups: {mine: [gpt-5.1-mini, gpt-6]}\n")
    renewed("config rejected")
    assert ask("another").json()["model"] == "gpt-5.1-mini"
    logged = [json.loads(line) for line in running.log if line.startswith("{")]
    (rejected,) = [line for line in logged if line["message"] == "config rejected"]
    assert "groups.mine: there is no model 'gpt-6'" in rejected["error"]
