"""What docs/cost.md says to type about holds, once something is held that nobody settled."""

import os
import re
import subprocess

import pytest

from tests.documents.fences import ROOT, fences
from tests.e2e.commands import HOLD
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

(FENCE,) = [fence for fence in fences() if fence.page == "docs/cost.md" and HOLD in fence.code]


@pytest.fixture
def held(gateway, providers, run_gateway):
    """An attempt of the project `alpha` that broke, as the list names it."""
    key = run_gateway("keys", "create", "--project", "alpha")["key"]
    providers.post("/__faults", json={"provider": "openai", "kind": "reset"}).raise_for_status()
    asked = {"messages": [{"role": "user", "content": "Hello"}], "model": "gpt-5.1"}
    gateway.post("/v1/complete", json=asked, headers={"authorization": f"Bearer {key}"})
    holds = run_gateway("usage", "reconcile", "--project", "alpha", "--json")["holds"]
    assert holds
    return str(holds[0]["hold"])


def test_the_documented_commands(stack, held):
    """They list it, look at it, release it for what it cost, and rehearse the release of the rest."""
    environ = {
        **os.environ,
        "UPSTASH_REDIS_REST_URL": stack.urls["Store"],
        "UPSTASH_REDIS_REST_TOKEN": "local",
    }
    done = subprocess.run(
        ["/bin/sh", "-ec", FENCE.code.replace(HOLD, held)],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert held in done.stdout
    assert re.search(r"0\.0021", done.stdout), done.stdout
