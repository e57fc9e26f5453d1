"""The settings that docs/mcp.md gives to MCP clients name what there is."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml

from gateway_core.api.ask_schemas import BatchBody, QuestionItem
from gateway_core.batch.questions import Method
from gateway_core.mcp_front.app import PATH
from gateway_core.mcp_front.batch_ask import QUESTION, BatchArguments
from gateway_core.mcp_front.server import OPERATIONS

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/mcp.md").read_text("utf-8")
SERVERS = [
    server
    for block in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)
    if "mcpServers" in block
    for server in json.loads(block)["mcpServers"].values()
]
(REMOTE,) = [server for server in SERVERS if "url" in server]
(DOCKER,) = [server for server in SERVERS if "command" in server]


@pytest.mark.parametrize("server", SERVERS)
def test_tools_that_are_always_allowed_exist(server):
    """By their names."""
    assert server["alwaysAllow"]
    assert set(server["alwaysAllow"]) <= {operation.name for operation, _ in OPERATIONS}


def test_the_address_is_that_of_the_endpoint():
    """With the key where the gateway looks for it."""
    assert REMOTE["url"].endswith(PATH)
    assert REMOTE["headers"] == {"Authorization": "Bearer gk_..."}


def test_docker_runs_the_image_that_compose_builds():
    """With stdin, and the command that the Dockerfile makes."""
    assert (DOCKER["command"], DOCKER["args"][0]) == ("docker", "run")
    assert "-i" in DOCKER["args"]
    image, command = DOCKER["args"][-2:]
    assert image == yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["gateway"]["image"]
    assert f"> /venv/bin/{command}" in (ROOT / "Dockerfile").read_text()


def test_docker_hands_on_what_the_client_sets():
    """Each variable by its name alone: a value would stand in the list of processes."""
    passed = [after for option, after in zip(DOCKER["args"], DOCKER["args"][1:], strict=False) if option == "-e"]
    assert passed == list(DOCKER["env"])
    assert all(re.fullmatch(r"[A-Z]+_API_KEY", name) for name in passed)


def test_the_image_starts_what_the_tests_start():
    """Without Docker its command can only be read."""
    assert "'cd /app && exec python -m local.stdio'" in (ROOT / "Dockerfile").read_text()
    assert (ROOT / "local/stdio.py").is_file()


def test_compose_publishes_the_port_and_hands_on_every_key():
    """What .env says of `make run` does not change where the container listens."""
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["gateway"]
    assert service["ports"] == ["${PUBLISH:-127.0.0.1}:${PORT:-8787}:8787"]
    assert service["env_file"] == ".env"
    own = {name: service["environment"][name] for name in ("HOST", "PORT", "LOCAL_STORE_DIR")}
    image = dict(re.findall(r"(\w+)=(\S+)", (ROOT / "Dockerfile").read_text()))
    assert own == {name: image[name] for name in own}


def test_the_batch_tool_knows_the_routes_fields():
    """Every field of the specification, with its default; OpenAI's further options go through unlisted."""
    known = QuestionItem.model_json_schema()["properties"]
    listed = QUESTION["properties"]
    assert listed.keys() <= known.keys()
    assert set(QuestionItem.__annotations__) == listed.keys()
    assert QUESTION["required"] == QuestionItem.model_json_schema()["required"]
    defaults = {name: field["default"] for name, field in listed.items() if "default" in field}
    assert defaults == {name: known[name]["default"] for name in defaults}
    assert listed["method"]["enum"] == list(get_args(Method.__value__))
    beside_body = {"mode", "idempotency_key"}
    assert set(BatchArguments.model_fields) - beside_body == set(BatchBody.model_fields) - {"stream"}
