"""What the mutants' tool says of code that cannot run at all."""

import pytest

from scripts.mutants.judge import is_importable


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
