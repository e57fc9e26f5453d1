"""The report that docs/reports.md shows, on a terminal."""

import re
import sys

import httpx
import pytest

from gateway_core.cli.main import main
from tests.documents.fences import fences
from tests.e2e.conftest import fork, stop
from tests.e2e.test_cli_page import Terminal
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

(SHOWN,) = [fence.code for fence in fences() if fence.page == "docs/reports.md" and fence.language == "console"]
COMMAND, HEADER, *ROWS = SHOWN.splitlines()


def steady(row):
    """Without what differs from one request to the next: tokens, cost, latency."""
    return row.split()[:4]


def test_the_report_is_printed(monkeypatch):
    """After a request to each of three groups, by model and in the order of the page."""
    stack = fork()
    headers = {"authorization": f"Bearer {stack.urls['Key']}"}
    for group in ("fast", "reasoning", "code"):
        asked = {"messages": [{"role": "user", "content": "Hello"}], "model_group": group}
        url = f"{stack.urls['Gateway']}/v1/complete"
        assert httpx.post(url, json=asked, headers=headers, timeout=patience(60)).status_code == 200
    said = Terminal()
    monkeypatch.setattr(sys, "stdout", said)
    environ = {"UPSTASH_REDIS_REST_URL": stack.urls["Store"], "UPSTASH_REDIS_REST_TOKEN": "local"}
    assert main(COMMAND.removeprefix("$ gateway ").split(), environ) == 0
    header, *rows = said.getvalue().splitlines()
    assert header.split() == HEADER.split()
    assert [steady(row) for row in rows] == [steady(row) for row in ROWS]
    assert all(re.fullmatch(r"[\d.]+", cell) for row in rows for cell in row.split()[1:])
    assert stop(stack) == 0
