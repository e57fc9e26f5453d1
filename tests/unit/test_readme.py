"""What the README says of this repository in numbers is so."""

import re

from tests.documents.fences import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def test_the_pythons_that_it_names_are_those_that_are_taken():
    """By the script that looks for one."""
    named = re.findall(r"Python 3\.(\d+) to 3\.(\d+) \(3\.13 is what Lambda runs\)", README)
    taken = re.findall(r"\(3, (\d+)\) <= .* <= \(3, (\d+)\)", (ROOT / "scripts/find_python.sh").read_text("utf-8"))
    assert named == taken
    assert "Runtime: python3.13" in (ROOT / "template.yaml").read_text("utf-8")


def test_functions_are_as_short_as_it_says():
    """Each has that many lines at most."""
    (most,) = map(int, re.findall(r"one folder per Lambda, (\d+) lines each at most", README))
    lengths = [len(path.read_text("utf-8").splitlines()) for path in (ROOT / "functions").glob("*/app.py")]
    assert len(lengths) > 10
    assert max(lengths) <= most
