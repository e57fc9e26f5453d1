"""Claude Code and Codex as npm has them, with the settings of docs/clients, on models of all providers."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from local.providers import base_urls
from tests.clients.agents import ClaudeCode, Codex, Place, call
from tests.clients.pages import block
from tests.e2e.conftest import KEY, PROVIDER_KEYS, UNHURRIED, fork, stop

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.timeout(300)]

MODELS = {
    "claude-opus-4.5": "claude-opus-4-5",
    "gpt-5.1": "gpt-5.1",
    "codex-max": "gpt-5.3-codex",
    "gemini-flash": "gemini-3.8-flash",
    "deepseek-v3.2": "deepseek-v4-flash",
}
"""A model of each provider, and of each of OpenAI's two APIs, with the provider's name of it."""
AGENTS = {"claude-code": ClaudeCode, "codex": Codex}
every_agent = pytest.mark.parametrize("agent", AGENTS, indirect=True)
every_model = pytest.mark.parametrize(
    "model",
    [model if not number else pytest.param(model, marks=pytest.mark.long) for number, model in enumerate(MODELS)],
)


@pytest.fixture(scope="module")
def stack(providers_url, tmp_path_factory):
    """A gateway that is configured as the pages say."""
    config = yaml.safe_load(Path(UNHURRIED["GATEWAY_CONFIG"]).read_text())
    for page in ("claude-code.md", "codex.md"):
        more = yaml.safe_load(block(page, "yaml"))
        config["model_aliases"] = config.get("model_aliases", {}) | more.pop("model_aliases")
        config |= more
    file = tmp_path_factory.mktemp("agents") / "config.yaml"
    file.write_text(yaml.safe_dump(config, sort_keys=False))
    running = fork(**PROVIDER_KEYS, **base_urls(providers_url), GATEWAY_DEV_KEY=KEY, GATEWAY_CONFIG=str(file))
    yield running
    assert stop(running) == 0


@pytest.fixture
def agent(request, node, gateway, tmp_path):
    """One of them, with an empty home."""
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    return AGENTS[request.param](Place(node, str(gateway.base_url).rstrip("/"), home, folder))


@pytest.fixture
def served(providers):
    """Which models answered how often, by the providers' names."""

    def count():
        found = providers.get("/__calls", params={"wait_idle_s": 5}).json()["providers"]
        return {model: tally["ok"] for models in found.values() for model, tally in models.items() if tally["ok"]}

    return count


@every_agent
@every_model
def test_a_session_that_edits_a_file(agent, model, served, tmp_path):
    """The model calls the agent's tools, is told their results, and answers."""
    file = tmp_path / "notes.txt"
    file.write_text("the old line\n")
    edit = agent.edit(file, "old", "new")
    said = agent.ask(f"Change the line. {edit} [[say=It is changed.]]", model, *agent.FREE)
    assert (said.code, said.text) == (0, "It is changed."), said
    assert file.read_text() == "the new line\n"
    assert served() == {MODELS[model]: 1 + edit.count("[[call=")}


@every_agent
def test_a_plain_prompt(agent, served):
    """With the model that the agent takes by itself; nothing else is asked behind the user's back."""
    said = agent.ask("Say hello. [[say=Hello there.]]")
    assert (said.code, said.text) == (0, "Hello there."), said
    assert served() == {"gpt-5.3-codex" if isinstance(agent, Codex) else "claude-opus-4-5": 1}


@pytest.mark.long
@every_agent
@pytest.mark.parametrize("model", ["claude-opus-4.5", "gpt-5.1"])
def test_our_mcp_server_beside_it(agent, model, stack, served):
    """Its tools are found, called with the same key, and their results go back; no request is refused on the way."""
    before = len(stack.log)
    search = call("ToolSearch", {"query": "select:mcp__llm-gateway__list_models", "max_results": 3})
    asked = f"{search if isinstance(agent, ClaudeCode) else ''} {call('list_models', {})} [[say=Listed.]]"
    said = agent.ask(f"Which models are there? {asked}", model, *agent.FREE, *agent.beside())
    assert (said.code, said.text) == (0, "Listed."), said
    assert served() == {MODELS[model]: 1 + asked.count("[[call=")}
    assert not [line for line in stack.log[before:] if "request failed" in line]


@pytest.mark.long
@every_agent
def test_a_provider_that_fails_in_the_middle(agent, served, providers_url):
    """The next model of the group goes on, later the first one again, and neither agent nor user see anything of it."""
    fault = shlex.quote(json.dumps({"provider": "anthropic", "kind": "unavailable"}))
    faults = f"curl -sS --noproxy '*' {providers_url}/__faults"
    trouble = f"{agent.shell(f'{faults} -d {fault}')} {agent.shell(f'{faults} -X DELETE')}"
    said = agent.ask(f"Go on. {trouble} [[say=I went on.]]", "fast", *agent.FREE)
    assert (said.code, said.text) == (0, "I went on."), said
    assert "Reconnecting" not in said.more
    assert served() == {"claude-haiku-4-5": 2, "gpt-5.4-mini": 1}


@pytest.mark.long
@every_agent
def test_a_budget_that_ends(agent, run_gateway, stack, served):
    """In the middle of a session: the user is told what is left, and what to do."""
    project = f"poor-{type(agent).__name__.lower()}"
    key = str(run_gateway("keys", "create", "--project", project)["key"])
    store = f"UPSTASH_REDIS_REST_URL={stack.urls['Store']} UPSTASH_REDIS_REST_TOKEN=local"
    gateway = Path(sys.executable).with_name("gateway")
    ending = agent.shell(f"{store} {gateway} budgets set --project {project} --day-usd 0.000001")
    said = agent.ask(f"Go on. {ending} [[say=I went on.]]", "gpt-5.1", *agent.FREE, key=key)
    assert said.code != 0
    assert "402" in said.text + said.more
    assert "The daily budget of this project is 0.000001 USD" in said.text + said.more
    assert served() == {"gpt-5.1": 1}
