"""Whose types mypy leaves out: packages of packages, which nobody here imports. Their types would be `Any` here."""

import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
IMPORT = re.compile(rb"^\s*(?:from|import) ([\w.]+)", re.MULTILINE)
OURS = ("layers/gateway_core/src/gateway_core", "local")


def skipped() -> list[str]:
    """The patterns, in which `package.*` is the package, too."""
    return [name for one in SETTINGS["overrides"] if one["follow_imports"] == "skip" for name in one["module"]]


def is_of(module: str, pattern: str) -> bool:
    return fnmatchcase(module, pattern) or module == pattern.removesuffix(".*")


def test_nothing_of_ours_imports_what_is_not_looked_at():
    """A type from there is whatever one likes it to be: mypy would find nothing wrong with it, ever."""
    files = [path for folder in OURS for path in (ROOT / folder).rglob("*.py")]
    imported = {name.decode() for path in files for name in IMPORT.findall(path.read_bytes())}
    assert {"fastmcp.tools.base", "httpx", "local.serving"} <= imported
    assert {name for name in imported for pattern in skipped() if is_of(name, pattern)} == set()


def test_the_check_tells_packages_apart():
    """By whole names: what one may import begins like what one may not."""
    assert is_of("rich", "rich.*")
    assert is_of("rich.console", "rich.*")
    assert not is_of("richer", "rich.*")
    assert not is_of("fastmcp.tools.base", "fastmcp.tools.tool_transform")
