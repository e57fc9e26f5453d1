"""Coding agents as npm has them, with the settings of their pages, a home and a folder of their own, and no way out."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.clients.conftest import HERE, MODULES
from tests.clients.pages import block
from tests.e2e.conftest import KEY
from tests.patience import patience

_NOWHERE = "http://127.0.0.1:9"
"""The proxy for whatever is not on this machine."""
_ALONE = {"HTTPS_PROXY": _NOWHERE, "HTTP_PROXY": _NOWHERE, "NO_PROXY": "127.0.0.1,localhost", "NO_COLOR": "1"}


@dataclasses.dataclass(frozen=True)
class Said:
    """How a session ended: the answer on stdout, and what else was printed."""

    code: int
    text: str
    more: str


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an agent works. `url` is the gateway's, `simulator` the providers', `gateway` the command line's path."""

    node: str
    url: str
    home: Path
    folder: Path

    def run(self, package: str, script: str, *arguments: str, **environ: str) -> Said:
        """One session, from its prompt to its end."""
        if not list(MODULES.glob(f"{package}-*")):
            pytest.skip(f"npm has not brought {package} for this machine: it comes as a package for each platform")
        done = subprocess.run(
            [self.node, str(MODULES / package / script), *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home), **_ALONE, **environ},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience(60),
            check=False,
        )
        return Said(done.returncode, done.stdout.strip(), done.stderr)


class ClaudeCode:
    """`claude -p`."""

    def __init__(self, place: Place) -> None:
        self._place = place
        (place.home / ".claude").mkdir()

    def ask(self, prompt: str, model: str | None = None, *options: str, key: str = KEY) -> Said:
        """A session with a model, or with the one that Claude Code takes by itself."""
        settings = json.loads(block("claude-code.md", "json", url=self._place.url, key=key))
        (self._place.home / ".claude/settings.json").write_text(json.dumps(settings))
        chosen = ["--model", model] if model else []
        return self._place.run("@anthropic-ai/claude-code", "cli-wrapper.cjs", "-p", prompt, *chosen, *options)

    def edit(self, file: Path, old: str, new: str) -> str:
        """Words for a model that is to edit a file: it has to read it first."""
        change = {"file_path": str(file), "old_string": old, "new_string": new}
        return f"{call('Read', {'file_path': str(file)})} {call('Edit', change)}"

    def shell(self, command: str) -> str:
        """Words for a model that is to run a command."""
        return call("Bash", {"command": command, "description": "Run it"})

    FREE = ("--allowedTools", "Bash,Read,Edit,mcp__llm-gateway__list_models")
    """Asks nobody. (As root it refuses to ask nobody about anything.)"""

    def beside(self) -> tuple[str, ...]:
        """Options for our MCP server, in the form in which `claude mcp add` keeps it."""
        headers = {"Authorization": f"Bearer {KEY}"}
        server = {"type": "http", "url": f"{self._place.url}/mcp", "headers": headers}
        return ("--strict-mcp-config", "--mcp-config", json.dumps({"mcpServers": {"llm-gateway": server}}))


class Codex:
    """`codex exec`."""

    def __init__(self, place: Place) -> None:
        self._place = place
        (place.home / ".codex").mkdir()

    def ask(self, prompt: str, model: str | None = None, *options: str, key: str = KEY) -> Said:
        """A session with a model, or with the one of the page. It may do anything, as in a container."""
        settings = block("codex.md", "toml", url=self._place.url)
        # The first turn waits for the tools.
        (self._place.home / ".codex/config.toml").write_text(f"{settings}required = true\n")
        chosen = ["-m", model] if model else []
        free = ["--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
        arguments = ["exec", *free, *chosen, *options, prompt]
        return self._place.run("@openai/codex", "bin/codex.js", *arguments, GATEWAY_KEY=key)

    def edit(self, file: Path, old: str, new: str) -> str:
        """Words for a model that is to edit a file, which it does in a shell."""
        return self.shell(f"sed -i 's/{old}/{new}/' {file}")

    def shell(self, command: str) -> str:
        """Words for a model that is to run a command."""
        return call("exec_command", {"cmd": command})

    FREE = ()

    def beside(self) -> tuple[str, ...]:
        """The server is in the settings of the page."""
        return ()


def call(name: str, arguments: Mapping[str, object]) -> str:
    """What the simulated model is to call."""
    return f"[[call={name} {json.dumps(arguments)}]]"


__all__ = ["HERE", "ClaudeCode", "Codex", "Place", "Said", "call"]
