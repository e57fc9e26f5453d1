"""What `make run` says of wrong settings, and the command line against its store."""

import json
import os
import subprocess

import pytest

from tests.forked import forked
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("PORT", "eighty", "PORT must be"),
        ("GATEWAY_DEV_KEY", "gk_other_key", "GATEWAY_DEV_KEY"),
        ("GATEWAY_CONFIG", "missing.yaml", "missing.yaml"),
        ("OPENAI_API_BASE", "ftp://x", "OPENAI_API_BASE"),
        ("UPSTASH_REDIS_REST_URL", "127.0.0.1:9", "UPSTASH_REDIS_REST_URL"),
    ],
)
def test_a_wrong_setting_is_explained(name, value, text):
    """One line that names the variable, exit code 2, no trace."""
    ports = dict.fromkeys(("PORT", "LOCAL_STORE_PORT", "LOCAL_PROVIDERS_PORT"), "0")
    environ = {"PATH": os.environ["PATH"], "UPSTASH_REDIS_REST_TOKEN": "any", **ports, name: value}
    done = subprocess.run(
        forked("local"), env=environ, capture_output=True, text=True, timeout=patience(50), check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert text in done.stderr


def test_the_command_line_administers_keys(gateway, run_gateway):
    """Create, use, limit, list, revoke."""
    made = run_gateway("keys", "create", "--project", "cli", "--groups", "fast", "--rpm", "100")
    headers = {"authorization": f"Bearer {made['key']}"}
    body = {"messages": [{"role": "user", "content": "Hello"}], "model_group": "fast"}
    assert gateway.post("/v1/complete", json=body, headers=headers).status_code == 200
    assert gateway.post("/v1/complete", json={**body, "model_group": "code"}, headers=headers).status_code == 403
    assert gateway.post("/v1/complete", json={**body, "project_id": "dev"}, headers=headers).status_code == 403
    listed = run_gateway("keys", "list", "--project", "cli")
    assert made["key"] not in json.dumps(listed)
    run_gateway("budgets", "set", "--project", "cli", "--month-usd", "0.000000001")
    assert gateway.post("/v1/complete", json=body, headers=headers).status_code == 402
    run_gateway("keys", "revoke", made["id"])
    assert gateway.post("/v1/complete", json=body, headers=headers).status_code == 401
