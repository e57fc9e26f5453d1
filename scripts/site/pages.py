"""Which documents there are, in the order in which a site and llms.txt show them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Start": ("README.md", "docs/clients/README.md", "docs/providers.md", "docs/troubleshooting.md"),
    "Reference": (
        "docs/api.md",
        "docs/examples.md",
        "docs/mcp.md",
        "docs/oauth.md",
        "docs/configuration.md",
        "docs/reference.md",
        "docs/models.md",
        "docs/wires.md",
    ),
    "Features": (
        "docs/failover.md",
        "docs/budgets.md",
        "docs/cost.md",
        "docs/reports.md",
        "docs/caching.md",
        "docs/ask.md",
        "docs/validation.md",
        "docs/messages.md",
        "docs/responses.md",
        "docs/health.md",
        "docs/events.md",
        "docs/dashboard.md",
    ),
    "Operate": (
        "docs/deploy.md",
        "docs/docker.md",
        "docs/operations.md",
        "docs/observability.md",
        "docs/databases.md",
        "docs/administration.md",
        "docs/cli.md",
        "SECURITY.md",
    ),
    "Contribute": (
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "local/providers/README.md",
        "benchmarks/README.md",
        "CHANGELOG.md",
    ),
}
FOLDERS: Mapping[str, tuple[str, str]] = {
    "Clients": ("Start", "docs/clients"),
    "Decisions": ("Contribute", "docs/decisions"),
}
"""Sections of their own below others: all pages of a folder."""
_SENTENCE = re.compile(r"^(?![#|<!\[*\-\s])(.+?[.:])(?:\s|$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def all_pages() -> list[Path]:
    """Every document of the repository."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "benchmarks/README.md"]
    found.append(ROOT / "local/providers/README.md")
    return sorted(found)


def title_of(page: Path) -> str:
    """Its first heading."""
    return page.read_text("utf-8").partition("\n")[0].removeprefix("# ")


def summary_of(page: Path) -> str:
    """Its first sentence, without links."""
    text = page.read_text("utf-8").partition("\n")[2]
    found = _SENTENCE.search(re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return _LINK.sub(r"\1", " ".join(found[1].split())).rstrip(".:") if found else ""


def below(folder: str) -> list[str]:
    """The pages of a folder, but for its own."""
    found = sorted((ROOT / folder).glob("*.md"))
    return [page.relative_to(ROOT).as_posix() for page in found if page.name != "README.md"]
