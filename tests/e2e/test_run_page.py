"""`make run` with the variables that the documents set for it: it starts, and takes them for what they are."""

import re
import shlex
import subprocess
import sys

import httpx
import pytest
import yaml

from local.providers import base_urls
from tests.documents.fences import ROOT, fences, program_of
from tests.documents.selections import STARTS
from tests.e2e.conftest import fork, stop
from tests.patience import patience

pytestmark = pytest.mark.xdist_group("e2e")

COMMANDS = [(fence, command) for fence in STARTS for command in fence.commands if program_of(command) == "make"]
SIMULATOR = "local/providers/README.md"
PROVIDER = next(fence.code for fence in fences() if fence.page == "CONTRIBUTING.md" and fence.language == "yaml")
SCRAPE = next(
    fence.code for fence in fences() if fence.page == "docs/observability.md" and "scrape_configs" in fence.code
)


def variables(command, folder):
    """What it sets; files of configuration are there, and nobody listens where a collector would."""
    words = shlex.split(command, comments=True)
    found = dict(word.split("=", 1) for word in words[: words.index("make")])
    files = found.get("GATEWAY_CONFIG", "").split(",")
    for number, name in enumerate(filter(None, files)):
        (folder / name).write_text(PROVIDER if number == 0 else "default_output_cap: 4096\n")
    if any(files):
        found["GATEWAY_CONFIG"] = ",".join(str(folder / name) for name in files)
    return found


def test_the_simulator_alone():
    """The command of its page prints the addresses of all providers, on a port that is free."""
    (command,) = [line for fence in fences() if fence.page == SIMULATOR for line in fence.commands]
    words = shlex.split(command.replace("8789", "0"), comments=True)
    process = subprocess.Popen([sys.executable, *words[1:]], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process, process.stdout as printed:
        names = {printed.readline().removeprefix("export ").partition("=")[0] for _ in base_urls("http://x")}
        process.terminate()
    assert names == set(base_urls("http://x"))


def long_beside_the_readme(fence, command):
    """Each starts a stack."""
    return pytest.param(fence, command, marks=[pytest.mark.long] * (fence.page != "README.md"), id=fence.name)


@pytest.mark.parametrize(("fence", "command"), [long_beside_the_readme(*each) for each in COMMANDS])
def test_it_starts(fence, command, tmp_path):
    """It serves, says whose key is there, and ends well."""
    environ = variables(command, tmp_path)
    stack = fork(**{"PROBE_INTERVAL_S": "0", **environ})
    assert httpx.get(f"{stack.urls['Gateway']}/health", timeout=patience(30)).json()["status"] == "ok"
    if key := environ.get("GATEWAY_DEV_KEY"):
        assert stack.urls["Key"] == key
    simulated = re.search(r"^Simulated +(.*)$", stack.text, re.MULTILINE)
    assert simulated
    for name in (name for name in environ if name.endswith("_API_KEY")):
        assert name.removesuffix("_API_KEY").lower() not in simulated[1]
    assert stop(stack) == 0


def test_prometheus_gets_what_it_is_told_to_scrape():
    """By the token of the page's configuration, at the path that it takes by itself."""
    (job,) = yaml.safe_load(SCRAPE)["scrape_configs"]
    token = job["authorization"]["credentials"]
    stack = fork(GATEWAY_METRICS_TOKEN=token)
    url = f"{stack.urls['Gateway']}/metrics"
    answer = httpx.get(url, headers={"authorization": f"Bearer {token}"}, timeout=patience(30))
    assert (answer.status_code, "# HELP llm_gateway_requests_total" in answer.text) == (200, True)
    assert httpx.get(url, timeout=patience(30)).status_code == 401
    assert job["static_configs"][0]["targets"] == ["127.0.0.1:8787"]
    assert "METRICS_TOKEN" in (ROOT / "docs/observability.md").read_text("utf-8")
    assert stop(stack) == 0
