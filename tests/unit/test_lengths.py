"""How long files and functions are: a file that is read in one go has at most 300 lines, a function at most 60."""

import statistics
from collections.abc import Iterator
from pathlib import Path

from tests.unit.sources import functions_of

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "functions", "layers/gateway_core/src", "local", "scripts", "tests")
LIMIT = 300
LINES_OF_A_FUNCTION = 60
USUAL_LINES = 6


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


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Names and numbers of lines."""
    for name, lines in functions_of(path, LINES_OF_A_FUNCTION):
        yield f"{path}:{name}", lines


def test_no_function_is_longer():
    """And most are a tenth of that. Not of tests, which may have much to say."""
    depth = len(ROOT.parts)
    found = dict(line for path in files() if path.parts[depth] != "tests" for line in functions(path))
    assert len(found) > 4000
    assert {name: lines for name, lines in found.items() if lines > LINES_OF_A_FUNCTION} == {}
    assert statistics.median(found.values()) <= USUAL_LINES
