"""`benchmarks/cost_model.py` and its tables: what the gateway costs to run, and that docs/cost.md says the same."""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import cost_tables
from benchmarks.cost_model import (
    ALARMS,
    MEMORY_MB,
    PROD_ALARMS,
    REPORT_BYTES,
    SNAPSTART,
    TOLD_ALARMS,
    Job,
    Probe,
    Request,
    idle_use,
    job_use,
    request_use,
    tool_use,
)
from benchmarks.cost_tables import fine, placed
from benchmarks.prices import ALWAYS_FREE, FREE_OF_CHARGE, Rate, load, total, usd
from gateway_core.store.jobs import JOB_LIFE_S
from gateway_core.triggers.durable import MARGIN_S, PACE
from tests.template.test_template import FUNCTIONS, memory_mb
from tests.template.transformed import RESOURCES, metrics_of, of_type

RATES = load()
amounts = st.decimals(0, 10**9, places=3)


def rate(price="0.2", free=0, **changes):
    """A price for a million."""
    return Rate("what", Decimal(price), Decimal(10**6), "unit", Decimal(free), "page", date(2026, 1, 1), "", **changes)


def test_the_document_says_what_the_model_says():
    """`.venv/bin/python -m benchmarks.cost_tables --write` makes it so."""
    text = cost_tables.DOC.read_text()
    assert placed(text, cost_tables.tables(RATES)) == text


def test_a_document_without_a_place_is_refused():
    """A table that is nowhere would be out of date unseen."""
    with pytest.raises(ValueError, match="idle"):
        placed("# Cost", {"idle": ""})


def test_an_idle_stack_costs_less_than_a_cent():
    """With the probe running and the free parts not used up by others."""
    assert total(idle_use(), RATES) < Decimal("0.005")


def test_every_resource_has_a_line():
    """What the template makes is in the idle sum or never billed; nobody adds a resource without its price."""
    told = {kind for entry in RATES.values() for kind in entry.resources} | set(FREE_OF_CHARGE)
    assert {resource["Type"] for resource in RESOURCES.values()} <= told
    assert {name for name, entry in RATES.items() if entry.resources} <= set(idle_use())


def test_alarms_are_the_templates():
    """By the metrics that they look at, whoever they are there for."""
    counted = Counter[str]()
    for resource in RESOURCES.values():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            counted[resource.get("Condition", "")] += len(metrics_of(resource["Properties"]))
    assert counted[""] + counted["HasJobs"] == ALARMS <= RATES["alarms"].free
    assert counted["HasAlarmTopic"] == TOLD_ALARMS
    assert counted["IsProd"] + counted["IsProdWithJobs"] == PROD_ALARMS
    assert set(counted) == {"", "HasAlarmTopic", "HasJobs", "IsProd", "IsProdWithJobs"}


def test_memory_is_the_templates():
    """By function; the probe is a function without a route."""
    deployed = {name: memory_mb(name) for name in FUNCTIONS}
    assert deployed == {name: MEMORY_MB[name] for name in deployed}
    assert set(MEMORY_MB) - set(deployed) <= {"Probe"}


def test_functions_with_snapstart_are_the_templates():
    """The others have none, no matter what the parameter says."""
    functions = of_type("AWS::Lambda::Function").items()
    assert {name for name, p in functions if p["SnapStart"] != {"ApplyOn": "None"}} == set(SNAPSTART)


def test_a_tool_waits_beside_what_it_calls():
    """By hand: the front's 5 s of half a GB for each call, one more invocation, and the lines of one."""
    by_http, by_tool = request_use(1_000_000), tool_use(1_000_000)
    more = {name: by_tool[name] - by_http[name] for name in by_http if by_tool[name] != by_http[name]}
    assert set(more) == {"lambda_requests", "lambda_gb_seconds", "log_ingestion"}
    assert more["lambda_requests"] == 1_000_000
    assert more["lambda_gb_seconds"] == (5 + Decimal("0.01") * Decimal("1.5")) * 1_000_000 * Decimal("0.5")
    assert more["log_ingestion"] == Decimal(REPORT_BYTES) / 1000


def test_a_job_is_the_codes():
    """Its steps are as long as an invocation allows, it writes once a second, and is kept for a week."""
    job = Job(1)
    assert job.step_seconds == FUNCTIONS["JobWorker"]["Timeout"] - MARGIN_S
    assert PACE.gather_s == 1
    assert job.days_kept * 86_400 == JOB_LIFE_S


def test_a_job_by_hand():
    """One step and four: what the engine counts, what is waited for, and that the store is the largest sum."""
    few, many = Job(500), Job(10_000)
    assert (few.work_s, few.steps, few.operations, few.groups) == (Decimal("156.25"), 1, 3, 157)
    assert (many.work_s, many.steps, many.operations, many.groups) == (Decimal(3125), 4, 12, 3125)
    use = job_use(few)
    # The input and the groups; a look of 5 pages of results lists them 6 times, and the step once.
    assert use["s3_writes"] == 1 + 157 + 6 + 1
    assert use["store_commands"] == 500 * 10 + 157 * 4 + 25
    costs = {name: RATES[name].cost(used, free=name in ALWAYS_FREE) for name, used in job_use(many).items()}
    assert max(costs, key=lambda name: costs[name]) == "store_commands"
    assert costs["durable_operations"] < Decimal("0.0001")


def test_more_questions_cost_more_and_each_of_them_about_the_same():
    """A job has no costs to speak of beside its questions."""
    each = [total(job_use(Job(count)), RATES, free=False) / count for count in (100, 1000, 10_000)]
    assert max(each) < 2 * min(each)


@given(amounts, amounts, st.integers(0, 10**9))
def test_more_never_costs_less(some, more, free):
    """And the free part is never negative money."""
    for price in (rate(free=free), rate(free=free, plan=True)):
        assert Decimal(0) <= price.cost(some, free=True) <= price.cost(some + more, free=True)
        assert price.cost(some, free=True) <= price.cost(some, free=False)


@pytest.mark.parametrize(
    ("used", "plan", "free", "cost"),
    [
        (3_000_000, False, True, "0.4"),
        (3_000_000, False, False, "0.6"),
        (500_000, False, True, "0"),
        (3_000_000, True, True, "0.6"),
        (1_000_000, True, True, "0"),
    ],
)
def test_the_free_part(used, plan, free, cost):
    """Taken off; but a free plan that is too small is none."""
    assert rate(free=1_000_000, plan=plan).cost(Decimal(used), free=free) == Decimal(cost)


def test_by_hand():
    """The largest sums, computed here once more: time of a million requests, and commands at 10 each."""
    use = request_use(1_000_000, Request(seconds=Decimal(5), cold_share=Decimal(0)))
    assert RATES["lambda_gb_seconds"].cost(use["lambda_gb_seconds"], free=False) == Decimal("33.3335")
    assert RATES["store_commands"].cost(use["store_commands"], free=True) == Decimal(20)
    assert idle_use(Probe(every_minutes=5))["scheduler"] == (12 + 1) * 24 * 30 + 30
    assert idle_use(Probe(every_minutes=5))["store_commands"] == (12 + 3) * 24 * 30


def test_every_price_has_a_source_and_a_date():
    """What was only recalled says so, and the document marks it."""
    for name, entry in RATES.items():
        assert entry.source.startswith("https://"), name
        assert entry.told in {"page", "second-hand", "recalled"}, name
        assert entry.seen >= date(2026, 1, 1), name
        assert isinstance(entry.usd, Decimal), name
    assert "²" in cost_tables.idle_table(RATES)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("0", "0.00"), ("0.004", "< 0.01"), ("0.005", "< 0.01"), ("0.006", "0.01"), ("1234.5", "1,234.50")],
)
def test_sums_are_shown_in_cents(amount, text):
    """What is there and less than half a cent does not look like nothing."""
    assert usd(Decimal(amount)) == text


@pytest.mark.parametrize(("amount", "text"), [("0", "0.0000"), ("0.00001", "< 0.0001"), ("0.43217", "0.4322")])
def test_sums_of_a_job_are_shown_in_hundredths_of_a_cent(amount, text):
    """Most of them are less than a cent."""
    assert fine(Decimal(amount)) == text
