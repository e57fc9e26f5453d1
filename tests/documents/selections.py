"""Which blocks each suite takes from the documents."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.documents.fences import SHELL, Fence, fences, program_of
from tests.e2e.commands import HOLD, commands

type Fits = Callable[[Fence], bool]

ONLY_SHOWN: Mapping[tuple[str, str], str] = {
    ("CONTRIBUTING.md", "-m tests.wires.expected"): "takes minutes; tests/wires compares what it writes",
    ("CONTRIBUTING.md", "8788/monitor"): "has no end; tests/local asks for it",
    ("CONTRIBUTING.md", "redis.call('ECHO'"): "a line to put into a script by hand",
    ("README.md", "claude --model"): "tests/clients starts Claude Code with the settings of its page",
    ("docs/api.md", "/v1/events"): "has no end; test_live_events.py watches it",
    ("docs/clients/aider.md", "aider --model"): "tried by hand, as its page says: it wants a LiteLLM of its own",
    ("docs/clients/codex.md", "export GATEWAY_KEY"): "tests/clients starts Codex with the settings of the page",
    ("docs/clients/open-webui.md", "docker run"): "takes an image of others",
    ("docs/databases.md", "UPSTASH_REDIS_REST_URL_EAST"): "two variables, and no command",
    ("docs/messages.md", "ANTHROPIC_BASE_URL="): "as README.md's",
    ("docs/observability.md", "jaegertracing"): "takes an image of others; test_run_page.py starts what comes after it",
    ("docs/providers.md", '"model": "mistral"'): "wants Ollama",
    ("docs/providers.md", '"model": "bedrock/us'): "asks AWS; test_run_page.py starts what it starts",
}
"""What nobody runs, by a page and a text of the block, and why."""

_OPERATORS = frozenset(
    {
        *("", "aws", "make", "git", "gateway", "export", "curl", "ask", "ask()"),
        *(".venv/bin/dex-local-runner", ".venv/bin/gateway", ".venv/bin/python", ".venv/bin/sam"),
        *("scripts/build.sh", "scripts/smoke.sh"),
    }
)
_FOR_A_STACK = ("127.0.0.1:878", "localhost:87", "localhost:8000", "$GATEWAY/", "make run", "-m local.providers")
_WITH_YAML_OF_OTHERS = frozenset({"docs/cli.md", "docs/docker.md", "docs/events.md", "docs/observability.md"})
_TYPED = frozenset(block.code for block in commands())


def of(page: str, *languages: str, having: str = "") -> Fits:
    """Blocks of a page, in these languages if any are named, with this text."""
    return lambda fence: fence.page == page and (not languages or fence.language in languages) and having in fence.code


def is_only_shown(fence: Fence) -> bool:
    """Whether nobody runs it."""
    return any(fence.page == page and text in fence.code for page, text in ONLY_SHOWN)


def is_policy(fence: Fence) -> bool:
    """Whether it is one of AWS's IAM."""
    return fence.language == "json" and '"Statement"' in fence.code


def _is_rehearsed(fence: Fence) -> bool:
    if fence.language not in SHELL or is_only_shown(fence) or any(text in fence.code for text in _FOR_A_STACK):
        return False
    started = {program_of(command) for command in fence.commands}
    return started <= _OPERATORS and fence.code not in _TYPED and HOLD not in fence.code


def _starts_a_stack(fence: Fence) -> bool:
    return fence.language in SHELL and any(
        program_of(line) == "make" and " run" in line and "check" not in line for line in fence.commands
    )


def _is_clients_program(fence: Fence) -> bool:
    # LangChain's adapters for MCP are in no suite: their settings are read by test_mcp_client_pages.py.
    is_one = fence.language in ("js", "python") and "langchain_mcp_adapters" not in fence.code
    return is_one and (fence.page.startswith("docs/clients/") or fence.page == "docs/messages.md")


REHEARSED = tuple(filter(_is_rehearsed, fences()))
"""For operators: typed by tests/documents before an account and a gateway on this machine."""
STARTS = tuple(filter(_starts_a_stack, fences()))
"""With `make run` and variables for it."""
FOR_DOCKER = tuple(fence for fence in fences() if of("docs/docker.md", "sh")(fence) and fence not in REHEARSED)
POLICIES = tuple(filter(is_policy, fences()))
CONFIGURATIONS = tuple(
    fence for fence in fences() if fence.language == "yaml" and fence.page not in _WITH_YAML_OF_OTHERS
)
CLIENT_PROGRAMS = tuple(filter(_is_clients_program, fences()))
