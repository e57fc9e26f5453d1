"""Events as they are rendered, which is what docs/events.md shows."""

import json
import re
from pathlib import Path

import pytest

from gateway_core.store.changes import BreakerChange, BudgetCrossed
from gateway_core.store.messages import Ticket
from gateway_core.store.records import UsageRecord
from gateway_core.telemetry.audit import Administered
from gateway_core.telemetry.events import (
    AttemptFailed,
    BreakerMoved,
    BudgetReached,
    Downgraded,
    FailedOver,
    OperatorEvent,
    RequestCost,
    StoreDegraded,
    of_changes,
)

NOON = 1_795_176_000_000
DEPLOYMENT = "claude-opus-4-5@https://api.anthropic.com"
DOCS = Path(__file__).parents[2] / "docs" / "events.md"
DOCUMENTED = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCS.read_text(), re.DOTALL)]
MINE = {"at_ms": NOON, "project_id": "alpha", "request_id": "req_1"}


def moved(state, generation, after_ms, until_after_ms=0, reason=""):
    until = NOON + until_after_ms if until_after_ms else 0
    change = BreakerChange("anthropic", DEPLOYMENT, state, generation, until, reason)
    return BreakerMoved(at_ms=NOON + after_ms, change=change, model="claude-opus-4.5")


RECORD = UsageRecord(
    request_id="req_1",
    at_ms=NOON + 900,
    project_id="alpha",
    key_id="key_alpha_0123456789abcdef",
    agent_id="researcher",
    user_id="bob",
    kind="chat",
    model="gpt-5.1",
    provider="openai",
    model_group="reasoning",
    error_code="",
    attempts=2,
    input_tokens=1200,
    output_tokens=300,
    cached_input_tokens=1000,
    cache_write_tokens=0,
    reasoning_tokens=120,
    input_nano=375_000,
    output_nano=3_000_000,
    latency_ms=900,
    cache_hit=False,
    price_source="litellm-1.106.2@2026-11-20",
    input_includes_cached=True,
)
EVENTS = [
    AttemptFailed(
        **MINE,
        model="claude-opus-4.5",
        provider="anthropic",
        error_code="rate_limited",
        latency_ms=312,
        retry_after_ms=7000,
    ),
    FailedOver(
        **MINE,
        from_model="claude-opus-4.5",
        from_provider="anthropic",
        to_model="gpt-5.1",
        to_provider="openai",
        reason="rate_limited",
    ),
    moved("open", 1, 0, 30_000, "failures"),
    moved("half_open", 2, 30_000, 90_000),
    moved("closed", 3, 31_000),
    BudgetReached(
        at_ms=NOON,
        project_id="alpha",
        crossed=BudgetCrossed("u:bob", "month_nano", 80, 40_500_000_000, 50_000_000_000),
        window="202611",
    ),
    RequestCost(at_ms=RECORD.at_ms, project_id="alpha", record=RECORD),
    Downgraded(
        **MINE, from_group="reasoning", to_group="fast", owner="project", period="20261120", percent=83, at_percent=80
    ),
    StoreDegraded(**MINE),
    Administered(
        **MINE,
        operator="arn:aws:sts::123456789012:assumed-role/operators/ann",
        action="key.rotated",
        target="key_alpha_0123456789abcdef",
    ),
    OperatorEvent(
        at_ms=NOON + 54_000_000,
        kind="invoice.differs",
        details={
            "provider": "openai",
            "day": "2026-11-20",
            "billed_usd": "12.5",
            "booked_usd": "11.9",
            "difference_usd": "0.6",
        },
    ),
    OperatorEvent(
        at_ms=NOON,
        kind="config.rejected",
        details={
            "version": "5b2e9c01d4aa",
            "version_in_use": "0f9d7730e1c2",
            "error": "groups.fast: there is no model gpt-6.",
        },
    ),
]


@pytest.mark.parametrize(
    ("event", "shown"), [*zip(EVENTS, DOCUMENTED, strict=True)], ids=[e.detail_type for e in EVENTS]
)
def test_the_documented_example_is_what_is_sent(event, shown):
    """Field by field and in this order."""
    assert json.dumps(event.render()) == json.dumps(shown)


def test_every_type_has_a_heading_in_the_docs():
    """Nobody has to guess what there is."""
    headings = set(re.findall(r"`([a-z_.]+)`", " ".join(re.findall(r"^### (.*)$", DOCS.read_text(), re.MULTILINE))))
    operators = {"config.reloaded", "config.rejected", "model.retiring", "provider.unhealthy"}
    assert headings == {event.detail_type for event in EVENTS} | operators


@pytest.mark.parametrize(
    ("crossed", "owner", "said"),
    [
        (
            BudgetCrossed("p", "day_nano", 50, 5, 10),
            "alpha",
            {"scope": "project", "period": "day", "spent": "0.000000005"},
        ),
        (BudgetCrossed("k:key_ops_1", "month_tokens", 100, 12, 12), "ops", {"scope": "key", "key_id": "key_ops_1"}),
        (BudgetCrossed("u:bob", "day_tokens", 80, 8, 10), "alpha", {"user_id": "bob", "unit": "tokens", "spent": "8"}),
    ],
)
def test_a_budget_belongs_to_whose_limit_it_is(crossed, owner, said):
    """A key's limit is its own project's business, whichever project it spends for."""
    ticket = Ticket("req_1", "alpha", "key_ops_1", "", "", NOON, "bob", key_project_id="ops")
    (event,) = of_changes([crossed], ticket, {}, NOON)
    detail = event.render()["detail"]
    assert event.project_id == owner
    assert detail["window"] == ("20261120" if detail["period"] == "day" else "202611")
    assert said.items() <= detail.items()


def test_a_breaker_belongs_to_the_operator():
    """It is named by the model that the request called it by, or by its deployment alone."""
    ticket = Ticket("req_1", "alpha", "key_alpha_1", "", "", NOON)
    change = BreakerChange("anthropic", DEPLOYMENT, "open", 1, NOON, "rate_limit")
    named, unnamed = (
        of_changes([change], ticket, models, NOON)[0] for models in ({("anthropic", DEPLOYMENT): "claude"}, {})
    )
    assert (named.project_id, named.render()["detail"]["model"]) == ("", "claude")
    assert unnamed.render()["detail"]["model"] == ""
