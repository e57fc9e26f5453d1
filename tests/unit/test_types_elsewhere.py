"""Whose types mypy leaves out: packages of packages, which nobody here imports. Their types would be `Any` here."""

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]
IMPORT = re.compile(rb"^\s*(?:from ([\w.]+) )?import (\([^)]*\)|.*)", re.MULTILINE)
NAME = re.compile(rb"(?:^|,)\s*([\w.]+)")
OURS = ("layers/gateway_core/src/gateway_core", "local")


def skipped() -> list[str]:
    """The patterns, in which `package.*` is the package, too."""
    return [name for one in SETTINGS["overrides"] if one["follow_imports"] == "skip" for name in one["module"]]


def imported_by(path: Path) -> Iterator[str]:
    """Modules, and what is taken out of them, as that may be a module, too."""
    for package, taken in IMPORT.findall(path.read_bytes()):
        names = [name.decode() for name in NAME.findall(taken.strip(b"()"))]
        yield from (f"{package.decode()}.{name}" for name in names) if package else names
        if package:
            yield package.decode()


def is_of(module: str, pattern: str) -> bool:
    return fnmatchcase(module, pattern) or module == pattern.removesuffix(".*")


def test_nothing_of_ours_imports_what_is_not_looked_at():
    """A type from there is whatever one likes it to be: mypy would find nothing wrong with it, ever."""
    files = [path for folder in OURS for path in (ROOT / folder).rglob("*.py")]
    imported = {name for path in files for name in imported_by(path)}
    assert {"fastmcp.tools.base", "httpx", "local.serving"} <= imported
    assert {name for name in imported for pattern in skipped() if is_of(name, pattern)} == set()


def test_a_module_may_be_taken_out_of_its_package(tmp_path):
    """`from fastmcp.server import auth` is an import of both."""
    (program := tmp_path / "it.py").write_text(
        "import a.b\n\ndef f():\n    from c.d import (\n        e as g,\n        h,\n    )\n"
    )
    assert set(imported_by(program)) == {"a.b", "c.d", "c.d.e", "c.d.h"}


def test_the_check_tells_packages_apart():
    """By whole names: what one may import begins like what one may not."""
    assert is_of("rich", "rich.*")
    assert is_of("rich.console", "rich.*")
    assert not is_of("richer", "rich.*")
    assert not is_of("fastmcp.tools.base", "fastmcp.tools.tool_transform")
