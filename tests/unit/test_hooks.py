"""What `make hooks` lets git run before each commit."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
REPOS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
HOOKS = {hook["id"]: hook for repo in REPOS for hook in repo["hooks"]}


def test_hooks_are_what_make_runs():
    """The very commands of `make lint types arch`, out of .venv, so that a commit passes by the same rules as CI."""
    recipes = re.findall(r"^(lint|types|arch): .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(recipes) == 3
    made = {command for _, recipe in recipes for command in re.findall(r"^\t\$\(BIN\)/(.*)$", recipe, re.MULTILINE)}
    entries = {hook["entry"] for hook in HOOKS.values() if hook["language"] == "system"}
    # Which files there are is git's to say here.
    hooked = {entry.removeprefix(".venv/bin/").removesuffix(" --force-exclude") for entry in entries}
    assert hooked == {command.removesuffix(" .") for command in made}


def test_hooks_download_nothing():
    """No repository of somebody else's, and no environment that pre-commit would fill."""
    assert {repo["repo"] for repo in REPOS} == {"local"}
    assert {hook["language"] for hook in HOOKS.values()} == {"system", "pygrep"}


def test_long_titles_are_refused():
    """As CONTRIBUTING.md says; the body may be as wide as it likes."""
    pattern = re.compile(HOOKS["title"]["entry"], re.MULTILINE | re.DOTALL)
    assert not pattern.search("x" * 72 + "\n\n" + "y" * 100)
    assert pattern.search("x" * 73)
