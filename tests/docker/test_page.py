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
    subprocess.run(["/usr/bin/env", "git", "init", "-q", str(place)], check=True)
    yield place
    _type("docker compose down --volumes --timeout 5", place)
    _type("docker rm --force --volumes gateway || :; docker volume rm --force gateway-data", place)


def _type(code: str, folder: Path) -> str:
    """What the shell prints. The image is there already, so nothing is built, or pulled, again."""
    has_plugin = subprocess.run(["/usr/bin/env", "docker", "compose", "version"], capture_output=True, check=False)
    compose = "docker compose" if has_plugin.returncode == 0 else "docker-compose"
    code = re.sub(r"\bdocker compose exec\b", "docker compose exec -T", code)
    code = re.sub(r"\bdocker compose\b", f"{compose} --project-name llm-gateway-page", code)
    code = code.replace(" --build", "").replace("docker build --tag llm-gateway .", ":")
    code = re.sub(r"^git pull$|^\S.* build --pull$", ":", code, flags=re.MULTILINE)
    code = re.sub(r"--name gateway\b", "--name llm-gateway-page-by-hand", code)
    code = re.sub(r"\bdocker rm (.*) gateway\b", r"docker rm \1 llm-gateway-page-by-hand", code)
    code = code.replace("gateway-data:", "llm-gateway-page-data:").replace(
        "force gateway-data", "force llm-gateway-page-data"
    )
    code = code.replace("127.0.0.1:8787:8787", f"127.0.0.1:{BY_HAND}:8787").replace(
        "127.0.0.1:8787/", f"127.0.0.1:{PORT}/"
    )
    code = code.replace("localhost:8000", f"127.0.0.1:{PORT}").replace("gk_...", KEY)
    done = subprocess.run(
        ["/bin/sh", "-ec", code], cwd=folder, capture_output=True, text=True, timeout=patience(200), check=False
    )
    assert done.returncode == 0, (code, done.stdout, done.stderr)
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


def _container(folder: Path) -> str:
    return _type("docker compose ps --quiet gateway", folder).strip()


def test_commands_of_the_page(folder):
    """From the first start to a restored backup, in the order of the days; the key from before works after it."""
    copy, up, check = _block("cp .env.example").commands
    _type(copy, folder)
    _fill_in(folder)
    _type(up, folder)
    wait_until_it_serves(_container(folder))
    assert '"ok"' in _type(check, folder)
    assert '"results"' in _type(_block("localhost:8000").code, folder)
    own, _upstash = _block("compose exec").commands
    key = json.loads(_type(own, folder).splitlines()[-1])["key"]
    assert _asked(key) == 200
    _type(_block("build --pull").code, folder)
    _type(_block("tar -cz").code, folder)
    wait_until_it_serves(_container(folder))
    assert (folder / "gateway-data.tar.gz").stat().st_size > 0
    down, restore, up = _block("tar -xz").commands
    _type(f"{down}\n{restore}", folder)
    _type(up, folder)
    wait_until_it_serves(_container(folder))
    assert _asked(key) == 200


def test_the_container_by_hand(folder):
    """The long command, with the same .env."""
    if not (folder / ".env").exists():
        shutil.copy(folder / ".env.example", folder / ".env")
        _fill_in(folder)
    _type(_block("docker run --detach").code, folder)
    wait_until_it_serves("llm-gateway-page-by-hand")
    _is_up(BY_HAND)


def test_the_container_over_stdio():
    """It ends with its stdin, with exit code 0, and prints nothing but messages."""
    assert _block(f"{IMAGE} mcp").commands[0].endswith(f"{IMAGE} mcp")
    command = _block(f"{IMAGE} mcp").code.replace("-e OPENAI_API_KEY", "-e LOCAL_SIMULATE=1")
    done = subprocess.run(
        ["/bin/sh", "-ec", command], input="", capture_output=True, text=True, timeout=patience(120), check=False
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert docker("ps", "--quiet", "--filter", f"ancestor={IMAGE}", "--filter", "status=exited") == ""
