"""Each route is described on a page and has a real example, as docs/api.md promises."""

import json
import re

import pytest

from scripts.openapi.__main__ import EXAMPLES
from scripts.openapi.operations import OPERATIONS
from tests.documents.fences import ROOT, pages

RECORDED = json.loads(EXAMPLES.read_text())
SHOWN = (ROOT / "docs/examples.md").read_text("utf-8")
WITHOUT_EXAMPLE = {
    *("dashboard", "dashboard_elsewhere", "dashboard_part"),  # a page of the browser's and its parts
    "delete_response",  # the same refusal as for GET
    "events",  # has no end; tests/e2e/test_live_events.py watches it
    *("metrics", "openapi"),  # whole documents
}
TEXT = "\n".join(path.read_text("utf-8") for path in pages() if path.name not in {"examples.md", "CHANGELOG.md"})


PARTS = ("dashboard_elsewhere", "dashboard_part", "dashboard_settings")
"""What the dashboard's page fetches; nobody else needs to know of it."""
DESCRIBED = [operation for operation in OPERATIONS if operation.id not in PARTS]


@pytest.mark.parametrize("operation", DESCRIBED, ids=lambda operation: operation.id)
def test_each_route_is_on_a_page(operation):
    """By its path, in code; what is chosen by a reader may have any name there."""
    path = re.sub(r"\\\{\w+\\\}", r"[\\w{}.$-]+", re.escape(operation.path.rstrip("/") or "/"))
    assert re.search(rf"[`\"\s/1]{path}[`?/\"\s,]", TEXT), operation.path


def test_each_route_has_an_example():
    """But for those that answer with a document, or never to their end."""
    assert {operation.id for operation in OPERATIONS if not RECORDED.get(operation.id)} == WITHOUT_EXAMPLE
    shown = [operation for operation in OPERATIONS if operation.id not in WITHOUT_EXAMPLE]
    assert len(shown) > 35
    assert [each.id for each in shown if f"`{each.method} {each.path}`" not in SHOWN] == []
