"""How long files are: one that is read in one go has at most 300 lines."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("benchmarks", "functions", "layers/gateway_core/src", "local", "scripts", "tests")
LIMIT = 300


def test_no_file_is_longer():
    """Product, tests and tools alike."""
    files = [path for folder in FOLDERS for path in ROOT.glob(f"{folder}/**/*.py")]
    assert len(files) > 900
    assert not [path.relative_to(ROOT).as_posix() for path in files if path.read_bytes().count(b"\n") > LIMIT]
