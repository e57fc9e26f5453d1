"""docs/docker.md as it is typed: its commands, with a port, names and a volume that nobody else has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.docker.conftest import IMAGE, KEY, docker, wait_until_it_serves
from tests.documents.fences import ROOT, Fence, fences
from tests.documents.selections import FOR_DOCKER
from tests.patience import patience

PORT, BY_HAND = 18795, 18796
NAME = "llm-gateway-page-by-hand"
(OVERRIDE,) = [fence.code for fence in fences() if fence.page == "docs/docker.md" and fence.language == "yaml"]
QUESTION = {"messages": [{"role": "user", "content": "Say hello"}], "model_group": "fast"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone, as far as compose needs one, with the page's own override; all that was started is gone in the end."""
    place = tmp_path_factory.mktemp("page")
    for name in ("compose.yaml", ".env.example"):
        shutil.copy(ROOT / name, place)
    (place / "config").mkdir()
    (place / "config/config.yaml").write_text("default_output_cap: 4096\n")
    (place / "compose.override.yaml").write_text(OVERRIDE)
    yield place
    _type("docker compose down --volumes --timeout 5", place)
    _type(f"docker rm --force --volumes {NAME} || :; docker volume rm --force {NAME}-data", place)


def _own(code: str, compose: str) -> str:
    """The page's commands with names, a volume and ports of this test's. The image is there: nothing is built again."""
    for pattern, own in (
        (r"^git pull$|^docker compose build --pull$|^docker build .*$", ":"),
        (r" --build\b", ""),
        (r"\bdocker compose exec\b", "docker compose exec -T"),
        (r"\bdocker compose\b", f"{compose} --project-name llm-gateway-page"),
        (r"--name gateway\b", f"--name {NAME}"),
        (r"\bgateway-data:", f"{NAME}-data:"),
        (r"127\.0\.0\.1:8787:8787", f"127.0.0.1:{BY_HAND}:8787"),
        (r"(127\.0\.0\.1:8787|localhost:8000)/", f"127.0.0.1:{PORT}/"),
        (r"gk_\.\.\.", KEY),
    ):
        code = re.sub(pattern, own, code, flags=re.MULTILINE)
    return code


def _type(code: str, folder: Path) -> str:
    """What the shell prints."""
    has_plugin = subprocess.run(["/usr/bin/env", "docker", "compose", "version"], capture_output=True, check=False)
    own = _own(code, "docker compose" if has_plugin.returncode == 0 else "docker-compose")
    done = subprocess.run(
        ["/bin/sh", "-ec", own], cwd=folder, capture_output=True, text=True, timeout=patience(200), check=False
    )
    assert done.returncode == 0, (own, done.stdout, done.stderr)
    return done.stdout


def _block(having: str) -> Fence:
    (found,) = [fence for fence in FOR_DOCKER if having in fence.code]
    return found


def _is_up(port: int) -> None:
    transport = httpx.HTTPTransport(retries=20)
    with httpx.Client(transport=transport, timeout=patience(60)) as http:
        assert http.get(f"http://127.0.0.1:{port}/health").json()["status"] == "ok"


def _asked(key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    url = f"http://127.0.0.1:{PORT}/v1/complete"
    return httpx.post(url, json=QUESTION, headers=headers, timeout=patience(60)).status_code


def _fill_in(folder: Path) -> None:
    example = (folder / ".env").read_text()
    for name, value in {"GATEWAY_DEV_KEY": KEY, "LOCAL_SIMULATE": "1", "PORT": str(PORT)}.items():
        example = re.sub(rf"^{name}=.*$", f"{name}={value}", example, flags=re.MULTILINE)
    (folder / ".env").write_text(example)


def _serves(folder: Path) -> None:
    """What was started, or started again: its log may have lines of the time before."""
    identity = _type("docker compose ps --quiet gateway", folder).strip()
    wait_until_it_serves(identity, "--since", docker("inspect", "--format", "{{.State.StartedAt}}", identity))


@pytest.mark.long
def test_commands_of_the_page(folder):
    """From the first start to a restored backup, in the order of the days; the key from before works after it."""
    copy, up, check = _block("cp .env.example").commands
    _type(copy, folder)
    _fill_in(folder)
    _type(up, folder)
    _serves(folder)
    assert '"ok"' in _type(check, folder)
    assert '"results"' in _type(_block("localhost:8000").code, folder)
    own, _upstash = _block("compose exec").commands
    key = json.loads(_type(own, folder).splitlines()[-1])["key"]
    assert _asked(key) == 200
    _type(_block("build --pull").code, folder)
    _type(_block("tar -cz").code, folder)
    _serves(folder)
    assert (folder / "gateway-data.tar.gz").stat().st_size > 0
    down, restore, up = _block("tar -xz").commands
    _type(f"{down}\n{restore}", folder)
    _type(up, folder)
    _serves(folder)
    assert _asked(key) == 200


def test_the_container_by_hand(folder):
    """The long command, with the same .env."""
    if not (folder / ".env").exists():
        shutil.copy(folder / ".env.example", folder / ".env")
        _fill_in(folder)
    _type(_block("docker run --detach").code, folder)
    wait_until_it_serves(NAME)
    _is_up(BY_HAND)


def test_the_container_over_stdio():
    """It ends with its stdin, with exit code 0, and prints nothing but messages."""
    assert _block(f"{IMAGE} mcp").commands[0].endswith(f"{IMAGE} mcp")
    command = _block(f"{IMAGE} mcp").code.replace("-e OPENAI_API_KEY", "-e LOCAL_SIMULATE=1")
    done = subprocess.run(
        ["/bin/sh", "-ec", command], input="", capture_output=True, text=True, timeout=patience(120), check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
