"""The how-tos: what CONTRIBUTING.md and config.example.yaml tell others to write is there, and works."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


def examples():
    """config.example.yaml with its examples."""
    return re.sub(r"^#: ", "", (ROOT / "config.example.yaml").read_text("utf-8"), flags=re.MULTILINE)


def known_to_litellm():
    """Names of providers. Read as a file: importing LiteLLM takes seconds of CPU."""
    spec = importlib.util.find_spec("litellm")
    assert spec
    assert spec.origin
    text = (Path(spec.origin).parent / "types/utils.py").read_text("utf-8")
    return set(re.findall(r'^    [A-Z0-9_]+ = "(\w+)"$', text.partition("class LlmProviders")[2], re.MULTILINE))


@pytest.mark.parametrize("document", [examples()], ids=["config.example.yaml"])
def test_example_providers_are_ones_that_litellm_knows(document):
    """A name of one's own loads, and then every call is a 400."""
    assert set(yaml.safe_load(document)["providers"]) <= known_to_litellm()
