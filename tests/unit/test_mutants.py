"""What the mutants' tool says of code that cannot run at all."""

import tomllib
from pathlib import Path

import pytest

import gateway_core
from scripts.mutants.judge import is_importable
from scripts.mutants.places import Places
from scripts.mutants.reach import Reach


@pytest.fixture
def source(tmp_path):
    """A package of the gateway's name with a module for each way to be imported."""
    modules = {
        "__init__": "",
        "domain/__init__": "",
        "domain/sound": "FACTS = 1",
        "domain/typed": "from dataclasses import dataclass\n@dataclass\nclass A:\n    one: int = 1\n    other: int",
        "domain/absent": "from gateway_core.domain.sound import NOTHING",
        "domain/above": "import gateway_core.domain.sound",
    }
    for name, code in modules.items():
        path = tmp_path / "gateway_core" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("__init__.py", True),
        ("domain/__init__.py", True),
        ("domain/sound.py", True),
        ("domain/above.py", True),
        ("domain/typed.py", False),
        ("domain/absent.py", False),
    ],
)
def test_a_module_that_breaks_at_import_is_told_from_a_run_that_broke(source, file, expected):
    """The former is noticed by whoever imports it; the latter says nothing."""
    assert is_importable(source, file) is expected


def test_who_only_reads_what_a_class_says_of_itself_is_tried_with_it(tmp_path):
    """It runs at import, where no test is seen; who does not name the class is not asked."""
    root, tree = tmp_path / "package", tmp_path / "tree"
    (root / "domain").mkdir(parents=True)
    (root / "domain/errors.py").write_text("class Refused(Exception):\n    status = 400\n")
    tree.mkdir()
    (tree / "test_words.py").write_text(
        "from domain import errors\n\ndef test_it():\n    assert errors.Refused.status == 400\n"
    )
    (tree / "test_other.py").write_text("def test_it():\n    pass\n")
    reach = Reach(root, {"test_words.py::test_it": 0.1, "test_other.py::test_it": 0.1}, tree)
    place = Places((root / "domain/errors.py").read_text()).of(2)
    assert reach.tests_of("domain/errors.py", place) == ["test_words.py::test_it"]


@pytest.mark.long
def test_what_is_listed_as_equivalent_is_a_mutant():
    """Where the code has changed since, the run would end before it began."""
    from scripts.mutants.__main__ import EQUIVALENT, equivalents  # noqa: PLC0415 - a second, for this test alone
    from scripts.mutants.made import mutants_of  # noqa: PLC0415 - as above

    root = Path(gateway_core.__path__[0])
    files = {one["file"] for one in tomllib.loads(EQUIVALENT.read_text())["equivalent"]}
    assert equivalents([mutant for file in files for mutant in mutants_of(file, (root / file).read_text())])
