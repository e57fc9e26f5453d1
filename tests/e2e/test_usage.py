"""What the reports say is what the providers counted; OpenAI's SDK reaches the other routes."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import openai
import pytest

from tests.e2e.conftest import KEY

pytestmark = pytest.mark.xdist_group("e2e")

MODELS = ("claude-haiku-3.5", "gpt-5.1-mini", "gemini-flash", "deepseek-v3.2")
UPSTREAM = {
    "claude-haiku-4-5": "claude-haiku-3.5",
    "gpt-5.4-mini": "gpt-5.1-mini",
    "gemini-3.8-flash": "gemini-flash",
    "deepseek-v4-flash": "deepseek-v3.2",
}


def counted(providers):
    """The simulator's own count, by catalog model."""
    tallies = {}
    for models in providers.get("/__calls").json()["providers"].values():
        for upstream, tally in models.items():
            tallies[UPSTREAM[upstream]] = (tally["ok"], tally["input_tokens"], tally["output_tokens"])
    return tallies


def test_the_report_equals_the_providers_own_count(gateway, providers, run_gateway, stack):
    """300 requests over 24 threads with faults: to the token, by model and by agent."""
    key = run_gateway("keys", "create", "--project", "ledger")["key"]
    headers = {"authorization": f"Bearer {key}"}
    for provider, kind in (("anthropic", "server_error"), ("openai", "rate_limit"), ("gemini", "unavailable")):
        providers.post("/__faults", json={"provider": provider, "kind": kind, "times": 4}).raise_for_status()
    dice = random.Random(7)  # noqa: S311 - a repeatable mixture, not a secret
    bodies = [
        {
            "messages": [{"role": "user", "content": "word " * dice.randint(1, 40)}],
            "agent_id": f"agent-{number % 5}",
            **({"model_group": "fast"} if number % 3 else {"model": dice.choice(MODELS)}),
        }
        for number in range(300)
    ]

    def post(body):
        answer = gateway.post("/v1/complete", json=body, headers=headers)
        return body["agent_id"], answer.json() if answer.status_code == 200 else None

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(post, bodies))
    good = [(agent, body) for agent, body in answers if body]
    assert len(good) >= 290
    assert "usage not settled" not in stack.text

    def report(**query):
        return gateway.get("/v1/usage", params=query, headers=headers).json()

    by_model = {
        row["model"]: (row["requests"] - row["errors"], row["input_tokens"], row["output_tokens"])
        for row in report(group_by="model")["rows"]
    }
    assert {model: tally for model, tally in by_model.items() if any(tally)} == {
        model: tally for model, tally in counted(providers).items() if any(tally)
    }
    cost = Counter()
    for agent, body in good:
        cost[agent] += Decimal(body["cost"]["total_usd"])
    by_agent = report(group_by="agent")
    assert {row["agent_id"]: Decimal(row["cost_usd"]) for row in by_agent["rows"]} == dict(cost)
    assert (by_agent["totals"]["requests"], by_agent["totals"]["errors"]) == (300, 300 - len(good))
    other = run_gateway("keys", "create", "--project", "stranger")["key"]
    stranger = {"authorization": f"Bearer {other}"}
    assert gateway.get("/v1/usage", params={"project_id": "ledger"}, headers=stranger).status_code == 403


def test_a_month_costs_three_trips(gateway, trips):
    """What is due to be booked, this release's counters and an earlier one's, for 31 days as for one."""
    query = {"start_date": "2026-10-21", "end_date": "2026-11-20"}
    gateway.get("/v1/usage", params=query)
    before = trips()
    assert gateway.get("/v1/usage", params=query).status_code == 200
    assert trips() - before == 3


def test_the_openai_sdk(stack, gateway):
    """Embeddings, models and chat, with base URL and key alone."""
    with openai.OpenAI(base_url=f"{stack.urls['Gateway']}/v1", api_key=KEY, max_retries=0) as sdk:
        made = sdk.embeddings.create(model="embedding", input=["hello", "goodbye"])
        assert [entry.index for entry in made.data] == [0, 1]
        assert len(made.data[0].embedding) > 8
        assert made.data[0].embedding != made.data[1].embedding
        assert made.usage.prompt_tokens > 0
        assert {"gpt-5.1", "claude-opus-4.5"} <= {model.id for model in sdk.models.list()}
        assert sdk.models.retrieve("gpt-5.1").owned_by == "openai"
        said = sdk.chat.completions.create(model="fast", messages=[{"role": "user", "content": "Hello there"}])
        assert "Hello there" in said.choices[0].message.content


def test_tokens_are_counted_for_every_model(gateway, providers):
    """Without calling anybody."""
    for model in gateway.get("/v1/models").json()["data"]:
        answer = gateway.post("/v1/tokens", json={"model": model["id"], "text": "How many tokens are these?"})
        assert answer.status_code == 200, answer.text
        assert 3 < answer.json()["input_tokens"] < 40
        assert answer.json()["method"]
    assert providers.get("/__calls").json()["providers"] == {}
