"""`scripts/smoke.sh` passes where all is well, and fails where something is not, above all where streams are held."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from local.serving import serve
from tests.e2e.conftest import KEY
from tests.patience import patience

pytestmark = [
    pytest.mark.xdist_group("e2e"),
    pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl here"),
]

ROOT = Path(__file__).parents[2]
# The script runs python3 some thirty times: this one's own, and no wrapper that looks for one first.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# The simulator repeats what it is asked, at this pace.
SLOWLY = f"[[pace=40]] {'word ' * 30}"
CHECKS = 18


def smoke(url: str, *options: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    """Run the script to its end; nothing that it prints may have the key."""
    done = subprocess.run(
        ["/bin/sh", str(ROOT / "scripts/smoke.sh"), *options, url],
        env={"PATH": PATH, "GATEWAY_KEY": key},
        capture_output=True,
        text=True,
        timeout=patience(55),
        check=False,
    )
    assert key not in done.stdout + done.stderr
    return done


def results(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """PASS or FAIL by what was checked."""
    lines = [line.split(maxsplit=3) for line in done.stdout.splitlines() if line[:4] in {"PASS", "FAIL"}]
    assert all(unit == "ms" and ms.isdecimal() for _verdict, ms, unit in (line[:3] for line in lines))
    return {line[3].partition(":")[0]: line[0] for line in lines}


class Proxy:
    """Hands requests on to a gateway. `holds` gives whole answers only; `refuses` says what /health gets instead."""

    def __init__(self, url: str, *, holds: bool = False, refuses: Callable[[], bool] = lambda: False) -> None:
        self._url, self._holds, self._refuses = url, holds, refuses
        self.retry_after = b"1"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"] == "/health" and self._refuses():
            headers = [(b"retry-after", self.retry_after)] if self.retry_after else []
            await send({"type": "http.response.start", "status": 429, "headers": headers})
            await send({"type": "http.response.body"})
            return
        target = f"{self._url}{scope['path']}?{scope['query_string'].decode()}"
        kept = [(name, value) for name, value in scope["headers"] if name not in {b"host", b"content-length"}]
        async with (
            httpx.AsyncClient(timeout=patience(30)) as http,
            http.stream(scope["method"], target, headers=kept, content=await _body(receive)) as answer,
        ):
            begin = {"type": "http.response.start", "status": answer.status_code, "headers": answer.headers.raw}
            if self._holds:
                whole = b"".join([part async for part in answer.aiter_raw()])
                await send(begin)
                await send({"type": "http.response.body", "body": whole})
                return
            await send(begin)
            async for part in answer.aiter_raw():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body"})


async def _body(receive: Receive) -> bytes:
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def test_a_working_gateway_passes(gateway, run_gateway):
    """Every check, through a proxy that passes on what it gets; its five requests are in the books of the key."""
    key = str(run_gateway("keys", "create", "--project", "smoke-test")["key"])
    with serve(Proxy(str(gateway.base_url).rstrip("/"))) as url:
        done = smoke(url, "-v", "-p", SLOWLY, key=key)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    found = results(done)
    assert len(found) == CHECKS
    assert set(found.values()) == {"PASS"}
    assert done.stdout.count(" ms  chunk ") > 20
    assert "0 requests before, 5 after" in done.stdout
    records = gateway.get("/v1/usage/records", headers={"authorization": f"Bearer {key}"}).json()["records"]
    assert [record["agent_id"] for record in records] == ["smoke"] * 5


def test_held_back_streams_fail(gateway):
    """All is right but the times: only these checks fail, and say why."""
    with serve(Proxy(str(gateway.base_url).rstrip("/"), holds=True)) as url:
        done = smoke(url, "-p", SLOWLY)
    assert done.returncode == 1
    failed = {name for name, verdict in results(done).items() if verdict == "FAIL"}
    assert failed == {"POST /v1/stream", "POST /v1/chat/completions"}
    assert done.stdout.count("something on the way holds events back") == 2


def test_a_broken_stream_fails(gateway, providers):
    """An error in-band is no end."""
    providers.post("/__faults", json={"provider": "openai", "kind": "cut", "after_chunks": 3}).raise_for_status()
    done = smoke(str(gateway.base_url), "-m", "gpt-5.1-mini", "-p", SLOWLY)
    assert done.returncode == 1
    assert results(done)["POST /v1/stream"] == "FAIL"
    assert "instead of 'done': provider_error" in done.stdout


def test_a_wrong_key_fails(gateway):
    """What needs no key passes, the rest says 401."""
    done = smoke(str(gateway.base_url), key="gk_dev_not-this-one")
    assert done.returncode == 1
    found = results(done)
    assert found["GET /health"] == found["GET /v1/models without a key"] == "PASS"
    assert found["GET /v1/usage"] == found["POST /v1/stream"] == found["MCP initialize"] == "FAIL"
    assert "HTTP 401, unauthenticated" in done.stdout


def test_a_gateway_that_is_down_fails_at_once():
    """One line, and no wait for the others."""
    with serve(Proxy("http://127.0.0.1:1")) as url:
        pass
    done = smoke(url)
    assert (done.returncode, list(results(done).values())) == (1, ["FAIL"])
    assert f"No gateway answers at {url}" in done.stderr


@pytest.mark.parametrize(("retry_after", "verdict"), [(b"1", "PASS"), (b"", "FAIL")])
def test_throttling_must_say_when_to_come_back(gateway, retry_after, verdict):
    """Some of many requests at once are refused: with Retry-After that is as it should be."""
    calls = iter(range(1000))
    proxy = Proxy(str(gateway.base_url).rstrip("/"), refuses=lambda: next(calls) > 5)
    proxy.retry_after = retry_after
    with serve(proxy) as url:
        done = smoke(url, "-b", "20", key="gk_dev_not-this-one")
    assert results(done)["requests at once"] == verdict
    assert "5 of 20 were served" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Usage: scripts/smoke.sh"),
        (("ftp://one.example", KEY), "URL must begin with https://"),
        (("https://one.example", "sk-not-ours"), "KEY must look like gk_PROJECT_SECRET"),
        (("-t", "soon", "https://one.example", KEY), "-t wants a number"),
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
