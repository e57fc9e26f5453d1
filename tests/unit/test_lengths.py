"""How long files are: one that is read in one go has at most 300 lines."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "functions", "layers/gateway_core/src", "local", "scripts", "tests")
LIMIT = 300


def files() -> Iterator[Path]:
    """All Python files of ours."""
    for place, folders, names in (step for folder in FOLDERS for step in (ROOT / folder).walk()):
        folders[:] = [
            name for name in folders if name != "node_modules"
        ]  # of others, and another suite may write there
        yield from (place / name for name in names if name.endswith(".py"))


def test_no_file_is_longer():
    """Product, tests and tools alike."""
    found = list(files())
    assert len(found) > 900
    assert not [path.relative_to(ROOT).as_posix() for path in found if path.read_bytes().count(b"\n") > LIMIT]
