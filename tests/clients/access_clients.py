"""Each MCP client, started as its users start it, with one `Authorization` of its user's."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from fastmcp import Client as FastClient
from fastmcp.client.transports import StreamableHttpTransport

from tests.clients.access import COUNT, PROOF, Ended, Shown
from tests.clients.agents import ClaudeCode, Place, call
from tests.clients.conftest import HERE, MODULES
from tests.clients.pages import block
from tests.e2e.conftest import KEY
from tests.functions.mcp_front.conftest import official
from tests.patience import patience

_CONNECTED = "Connected"
_INSPECTOR = MODULES / "@modelcontextprotocol/inspector/clients/launcher/build/index.js"
_REMOTE = MODULES / "mcp-remote/dist/proxy.js"
_MODEL = "gpt-5.1"
_AT_ONCE = 2
_MESSAGES: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        "initialize",
        {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "app", "version": "1"}},
    ),
    ("tools/list", {}),
    ("tools/call", {"name": "count_tokens", "arguments": COUNT}),
)

type One = Callable[[Site, str], Ended]
"""A client that is tried with one header."""
type Client = Callable[[Site, Mapping[Shown, str]], dict[Shown, Ended]]
"""One that is tried with each, at once or some at a time."""
type Connect = Callable[[str, str], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True)
class Site:
    """Where clients work: the `node` that runs them, the gateway's URL, and a folder for one home each."""

    node: str
    url: str
    homes: Path

    @property
    def mcp(self) -> str:
        """The address that users write down."""
        return f"{self.url}/mcp"

    def place(self) -> Place:
        """A new home, and an empty folder to work in."""
        home = Path(tempfile.mkdtemp(dir=self.homes))
        (home / "work").mkdir()
        return Place(self.node, self.url, home, home / "work")

    def environ(self, home: Path) -> dict[str, str]:
        """Without a proxy, a display, or a browser that shows anything."""
        return {"PATH": os.environ["PATH"], "HOME": str(home), "BROWSER": "true", "NO_COLOR": "1"}


def claude_code(site: Site, shown: str) -> Ended:
    """`claude mcp list` says who is refused, and why; who is not has a session that calls a tool."""
    place = site.place()
    agent = ClaudeCode(place)
    headers = {"Authorization": f"Bearer {shown}"}
    servers = {"mcpServers": {"llm-gateway": {"type": "http", "url": site.mcp, "headers": headers}}}
    (place.home / ".claude.json").write_text(json.dumps(servers))
    listed = place.run("@anthropic-ai/claude-code", "cli-wrapper.cjs", "mcp", "list")
    if _CONNECTED not in listed.text:
        return Ended(worked=False, text=listed.text + listed.more)
    tool = "mcp__llm-gateway__count_tokens"
    search = call("ToolSearch", {"query": f"select:{tool}", "max_results": 3})
    prompt = f"Count. {search} {call(tool, COUNT)} [[say=Counted.]]"
    whole = ("--output-format", "stream-json", "--verbose", "--allowedTools", tool)
    said = agent.ask(prompt, _MODEL, *whole, "--strict-mcp-config", "--mcp-config", json.dumps(servers))
    return Ended(said.code == 0 and PROOF in said.text, said.text + said.more)


def codex(site: Site, shown: str) -> Ended:
    """`codex exec` with a server that it cannot do without; its model is asked with a key that is good."""
    place = site.place()
    settings = block("codex.md", "toml", url=site.url)
    settings = settings.replace('bearer_token_env_var = "GATEWAY_KEY"', 'bearer_token_env_var = "SHOWN"')
    (place.home / ".codex").mkdir()
    (place.home / ".codex/config.toml").write_text(f"{settings}required = true\n")
    free = ["--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"]
    prompt = f"Count. {call('count_tokens', COUNT)} [[say=Counted.]]"
    arguments = ["exec", *free, "-m", _MODEL, prompt]
    said = place.run("@openai/codex", "bin/codex.js", *arguments, GATEWAY_KEY=KEY, SHOWN=shown)
    return Ended(said.code == 0 and PROOF in said.text, said.text + said.more)


def inspector(site: Site, shown: str) -> Ended:
    """`mcp-inspector --cli`, which calls a tool and then lists all."""
    home = site.place().home
    server = ["--transport", "http", "--stored-auth-only", "--header", f"Authorization: Bearer {shown}"]
    counting = ["tools/call", "--tool-name", "count_tokens", "--tool-args-json", json.dumps(COUNT)]
    text = ""
    for method, sign in ((counting, PROOF), (["tools/list"], '"count_tokens"')):
        arguments = ["--cli", site.mcp, *server, "--format", "json", "-q", "--method", *method]
        done = _run(site, home, str(_INSPECTOR), *arguments)
        text += done.stdout + done.stderr
        if done.returncode or sign not in done.stdout:
            return Ended(worked=False, text=text)
    return Ended(worked=True, text=text)


def typescript(generation: str) -> Client:
    """A generation of the SDK: `v1`, `v2`, or `v2-auto`, which negotiates the era."""

    def client(site: Site, shown: Mapping[Shown, str]) -> dict[Shown, Ended]:
        more = {"GATEWAY_URL": site.url, "GATEWAY_SHOWN": json.dumps(shown)}
        done = _run(site, site.place().home, "mcp_access.mjs", generation, **more)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)["result"]
        return {case: _told(told[case]) for case in shown}

    return client


def _told(outcome: Mapping[str, Any]) -> Ended:
    result = outcome.get("result", {})
    worked = "count_tokens" in result.get("tools", ()) and PROOF in str(result)
    return Ended(worked, outcome.get("error", {}).get("message", str(result)))


def python(connect: Connect) -> One:
    """A client of this process."""

    async def session(url: str, shown: str) -> Ended:
        async with asyncio.timeout(patience(60)), connect(url, shown) as client:
            tools = await client.list_tools()
            counted = await client.call_tool("count_tokens", COUNT)
        return Ended("count_tokens" in str(tools) and PROOF in str(counted), "")

    def client(site: Site, shown: str) -> Ended:
        try:
            return asyncio.run(session(site.mcp, shown))
        except Exception as error:  # noqa: BLE001 - whatever a client throws is what its user reads
            return Ended(worked=False, text=repr(error))

    return client


def mcp_remote(site: Site, shown: str) -> Ended:
    """Started by an app, with the header that its user has written down."""
    with Remote(site, "--header", f"Authorization:Bearer {shown}") as remote:
        return remote.ended()


class Remote:
    """A running mcp-remote. It ends when the block is left, or when it says nothing for too long."""

    def __init__(self, site: Site, *options: str) -> None:
        self._process = subprocess.Popen(
            [site.node, str(_REMOTE), site.mcp, "--transport", "http-only", *options],
            env=site.environ(site.place().home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._watch = threading.Timer(patience(60), self._process.kill)
        self.text = ""

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._watch.cancel()
        self._process.kill()
        self._process.communicate()

    def hears(self, *signs: str) -> bool:
        """Whether one of them comes before it ends."""
        assert self._process.stderr
        for line in self._process.stderr:
            self.text += line
            if any(sign in line for sign in signs):
                return True
        return False

    def ended(self) -> Ended:
        """What it comes to without anybody who signs in."""
        self.hears("Proxy established", "Waiting for authorization")
        if "Proxy established" not in self.text:
            return Ended(worked=False, text=self.text)
        _, listed, counted = [self._answer(number, *message) for number, message in enumerate(_MESSAGES)]
        return Ended("count_tokens" in listed and PROOF in counted, self.text)

    def _answer(self, number: int, method: str, params: Mapping[str, object]) -> str:
        assert self._process.stdin
        assert self._process.stdout
        message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


def _run(site: Site, home: Path, script: str, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [site.node, script, *arguments],
        cwd=HERE,
        env={**site.environ(home), **more},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience(60),
        check=False,
    )


def _fast(url: str, shown: str) -> FastClient[Any]:
    return FastClient(StreamableHttpTransport(url, headers={"authorization": f"Bearer {shown}"}))


def _each(one: One) -> Client:
    def client(site: Site, shown: Mapping[Shown, str]) -> dict[Shown, Ended]:
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            ends = threads.map(lambda header: one(site, header), shown.values())
            return dict(zip(shown, ends, strict=True))

    return client


CLIENTS: dict[str, Client] = {
    "Claude Code": _each(claude_code),
    "Codex": _each(codex),
    "MCP Inspector, `--cli`": _each(inspector),
    "mcp-remote": _each(mcp_remote),
    "TypeScript SDK 1": typescript("v1"),
    "TypeScript SDK 2": typescript("v2"),
    "TypeScript SDK 2, `auto`": typescript("v2-auto"),
    "Python SDK": _each(python(lambda url, shown: official(url, shown, "auto"))),
    "FastMCP": _each(python(_fast)),
}
