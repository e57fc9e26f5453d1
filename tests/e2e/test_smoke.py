"""`scripts/smoke.sh` passes where all is well, and fails where something is not, above all where streams are held."""

import shutil
import subprocess

import pytest

from local.serving import serve
from tests.e2e.conftest import KEY
from tests.e2e.smoking import PATH, ROOT, SLOWLY, Proxy, failures, results, smoke
from tests.patience import patience

pytestmark = [
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here"),
]
CHECKS = 28
PAGE = "http://localhost:3000"


def test_a_working_gateway_passes(gateway, run_gateway):
    """Every check, through a proxy that passes on what it gets; its five requests are in the books of the key."""
    key = str(run_gateway("keys", "create", "--project", "smoke-test")["key"])
    with serve(Proxy(str(gateway.base_url))) as url:
        done = smoke(url, "-v", "-o", PAGE, "-p", SLOWLY, key=key)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    found = results(done)
    assert len(found) == CHECKS
    assert set(found.values()) == {"PASS"}
    assert done.stdout.count(" ms  chunk ") > 20
    assert done.stdout.count("an event came after ") == 2
    assert "0 requests before, 5 after" in done.stdout
    records = gateway.get("/v1/usage/records", headers={"authorization": f"Bearer {key}"}).json()["records"]
    assert [record["agent_id"] for record in records] == ["smoke"] * 5


def test_held_back_streams_fail(gateway):
    """All is right but the times: only these checks fail, and say why."""
    with serve(Proxy(str(gateway.base_url), holds=True)) as url:
        done = smoke(url, "-p", SLOWLY)
    assert done.returncode == 1
    late = {"POST /v1/stream", "POST /v1/chat/completions"}
    assert failures(done) == late | {f"first of {name}" for name in late}
    assert done.stdout.count("something on the way holds events back") == 2
    assert done.stdout.count("all of it came at once") == 2


def test_a_broken_stream_fails(gateway, providers):
    """An error in-band is no end."""
    providers.post("/__faults", json={"provider": "openai", "kind": "cut", "after_chunks": 3}).raise_for_status()
    done = smoke(str(gateway.base_url), "-m", "gpt-5.1-mini", "-p", SLOWLY)
    assert done.returncode == 1
    assert results(done)["POST /v1/stream"] == "FAIL"
    assert "instead of 'done': provider_error" in done.stdout


def test_a_wrong_key_fails(gateway):
    """What needs no key passes, the rest says 401. A page of an origin that is not allowed reads nothing."""
    done = smoke(str(gateway.base_url), "-o", "https://elsewhere.example", key="gk_dev_not-this-one")
    assert done.returncode == 1
    found = results(done)
    assert found["GET /health"] == found["GET /v1/models without a key"] == "PASS"
    assert found["GET /v1/usage"] == found["POST /v1/stream"] == found["MCP initialize"] == "FAIL"
    assert "HTTP 401, unauthenticated" in done.stdout
    assert found["a page reads that it has no key"] == found["a page may send a request"] == "FAIL"


def test_a_gateway_that_is_down_fails_at_once():
    """One line, and no wait for the others."""
    with serve(Proxy("http://127.0.0.1:1")) as url:
        pass
    done = smoke(url)
    assert (done.returncode, list(results(done).values())) == (1, ["FAIL"])
    assert f"No gateway answers at {url}" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Usage: scripts/smoke.sh"),
        (("ftp://one.example", KEY), "URL must begin with https://"),
        (("https://one.example", "sk-not-ours"), "KEY must look like gk_PROJECT_SECRET"),
        (("-t", "soon", "https://one.example", KEY), "-t wants a number"),
        (("-o", "app.example.com", "https://one.example", KEY), "-o wants an origin"),
        (("-z", "https://one.example", KEY), "Usage: scripts/smoke.sh"),
    ],
)
def test_wrong_arguments_are_explained(arguments, text):
    """Exit code 2, on stderr, and nothing is asked."""
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "scripts/smoke.sh"), *arguments],
        env={"PATH": PATH},
        capture_output=True,
        text=True,
        timeout=patience(20),
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
