"""`curl -N` against the running stack."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.clients.conftest import MODELS
from tests.e2e.conftest import KEY

pytestmark = [
    pytest.mark.xdist_group("clients"),
    pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here"),
]

BODY = '{"model": "%s", "stream": true, "messages": [{"role": "user", "content": "[[words=20]] [[reasoning=0]]"}]}'


@contextmanager
def curl(url: str, body: str) -> Iterator[subprocess.Popen[str]]:
    """A running curl."""
    command = ["curl", "-sN", url, "-H", f"authorization: Bearer {KEY}", "-d", body]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen[str], times: int) -> list[str]:
    """So many lines of data, as soon as they are there; one with the role alone comes before OpenAI's text."""
    assert process.stdout
    lines = (line for line in process.stdout if line.startswith("data: ") and '"content":""' not in line)
    return [next(lines) for _ in range(times)]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("path", ["/v1/stream", "/v1/chat/completions"])
def test_chunks_arrive_while_the_provider_still_speaks(gateway, providers, path, model):
    """Each chunk is there at once; when curl goes, the provider's connection is closed."""
    provider, _upstream = MODELS[model]
    providers.post("/__faults", json={"provider": provider, "kind": "stall", "after_chunks": 3}).raise_for_status()
    body = BODY % model if "chat" in path else BODY.replace('"stream": true, ', "") % model
    with curl(f"{gateway.base_url}{path}", body) as process:
        for line, word in zip(said(process, 3), ("alpha", "beta", "gamma"), strict=True):
            assert word in line
        (call,) = providers.get("/__calls").json()["requests"]
        assert call["outcome"] == "pending"
    totals = providers.get("/__calls", params={"wait_idle_s": 10}).json()["totals"]
    assert (totals["calls"], totals["disconnects"]) == (1, 1)
