"""`events/` has something for every function of the template, and `make sam-local` sends all of it."""

from pathlib import Path

from local.front import ROUTES, function_of
from tests.lambda_runtime.deployment import BILLED, EVENTS, QUEUED, RELEASED, SCHEDULED, STARTED
from tests.template.test_template import ROOT, TEMPLATE

BY_AWS = {"Probe": SCHEDULED, "Invoices": BILLED, "Replay": QUEUED, "JobWorker": STARTED, "Preflight": RELEASED}
"""What has no route, and what starts it."""


def test_each_function_is_sent_something():
    """By a route of its own, or by what starts it."""
    functions = {name for name, one in TEMPLATE["Resources"].items() if one["Type"] == "AWS::Serverless::Function"}
    assert {function_of(event["path"]).capitalize() for event in EVENTS.values()} | BY_AWS.keys() == functions
    assert all(BY_AWS.values())


def test_each_route_that_asks_a_model_is_sent_something():
    """One function serves several wires."""
    sent = {event["path"] for event in EVENTS.values()}
    assert {path for path, name in ROUTES.items() if name in {"complete", "stream", "ask", "embed", "tokens"}} <= sent


def test_each_file_is_sent_once():
    """None is of a kind that nobody sends."""
    kinds = [EVENTS, *BY_AWS.values()]
    assert sorted(name for kind in kinds for name in kind) == sorted(path.stem for path in _files())


def _files() -> list[Path]:
    return sorted((ROOT / "events").glob("*.json"))
