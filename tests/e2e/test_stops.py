"""Thirty presses of "stop": the budget hardly feels them, and they are charged at least what the provider counted."""

import time
import uuid

import httpx
import pytest

from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(240)]

STOPS = 30
BUDGET_NANO = 10**9
MODELS = {"gpt-5.1": "openai", "claude-opus-4.5": "anthropic", "gemini-3-pro": "gemini", "deepseek-v3.2": "deepseek"}
PATHS = ("/v1/stream", "/v1/chat/completions")
FREE = 0.9
"""The share of the budget that is to be left."""
PROMPT = "[[words=400]] [[pace=20]] Tell me of otters."


@pytest.fixture
def caller(stack, run_gateway):
    """A client of a project of its own, with a budget of 1 USD a day."""
    key = run_gateway("keys", "create", "--project", f"stops-{uuid.uuid4().hex[:12]}", "--day-usd", "1")["key"]
    headers = {"authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.urls["Gateway"], headers=headers, timeout=patience(60)) as http:
        yield http


def press_stop(http, path, model, chunks):
    """Hear so many lines of data, and leave."""
    body = {"messages": [{"role": "user", "content": PROMPT}], "model": model}
    with http.stream("POST", path, json=body if path == PATHS[0] else {**body, "stream": True}) as answer:
        assert answer.status_code == 200, answer.read()
        heard = 0
        for line in answer.iter_lines():
            heard += line.startswith("data:")
            if heard == chunks:
                return


def records_of(http, count):
    """All of them, once the last ones who left are missed."""
    until_s = time.monotonic() + patience(30)
    while len(records := http.get("/v1/usage/records").json()["records"]) < count:
        assert time.monotonic() < until_s, records
        time.sleep(0.02)
    return records


def budget_of(http):
    """What is spent and held today, in nano-USD, by the project and by its only key."""
    lines = [line for line in http.get("/v1/budgets").json()["budgets"] if len(line["period"]) == len("20261120")]
    (found,) = {(nano(line["spent_usd"]), nano(line["held_usd"])) for line in lines}
    return found


def nano(usd):
    return round(float(usd) * 10**9)


@pytest.mark.parametrize("path", [PATHS[0], pytest.param(PATHS[1], marks=pytest.mark.long)])
@pytest.mark.parametrize("model", MODELS)
def test_thirty_stops_leave_the_budget_alone(caller, providers, model, path):
    """Also where the provider writes on for 400 ms, and makes a tenth more tokens of everything."""
    provider = MODELS[model]
    providers.post("/__faults", json={"provider": provider, "kind": "answer", "lag": 400, "count_factor": 1.1})
    for number in range(STOPS):
        press_stop(caller, path, model, 3 + number % 5)
    records = records_of(caller, STOPS)
    counted = providers.get("/__calls", params={"wait_idle_s": patience(5)}).json()["requests"]
    assert {call["outcome"] for call in counted} == {"disconnected"}
    assert {record["error_code"] for record in records} == {"cancelled"}
    for name, told in (("input_tokens", "input_tokens"), ("output_tokens", "generated_tokens")):
        # The calls of a caller come one after the other, but those who leave are missed in any order.
        charged, wrote = (sorted(one[key] for one in many) for many, key in ((records, name), (counted, told)))
        assert all(mine >= theirs for mine, theirs in zip(charged, wrote, strict=True)), (charged, wrote)
    spent, held = budget_of(caller)
    assert held == 0
    assert 0 < spent <= (1 - FREE) * BUDGET_NANO
    assert sum(nano(record["cost_usd"]) for record in records) == spent


@pytest.mark.parametrize("path", ["/v1/complete", "/v1/chat/completions"])
def test_a_whole_answer_is_billed_exactly(caller, providers, path):
    """Its caller leaves before it is there: nothing is held, and the charge is what the provider counted."""
    providers.post("/__faults", json={"provider": "openai", "kind": "slow", "delay_ms": 1500})
    body = {"messages": [{"role": "user", "content": "Hello"}], "model": "gpt-5.1"}
    with pytest.raises(httpx.ReadTimeout):
        caller.post(path, json=body, timeout=0.5)
    (record,) = records_of(caller, 1)
    (call,) = providers.get("/__calls").json()["requests"]
    assert call["outcome"] == "ok"
    assert record["error_code"] == "cancelled"
    assert (record["input_tokens"], record["output_tokens"]) == (call["input_tokens"], call["generated_tokens"])
    assert budget_of(caller) == (nano(record["cost_usd"]), 0)
