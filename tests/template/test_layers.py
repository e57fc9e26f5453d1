"""What the layers and the MCP function are built from; `make build` builds them and runs what came out."""

import re
from pathlib import Path

import pytest

from tests.template.test_template import ROOT, TEMPLATE

CORE = ROOT / "layers/gateway_core/requirements.txt"
ABOVE_CORE = tuple(ROOT / path / "requirements.txt" for path in ("layers/litellm", "layers/jobs", "functions/mcp"))
MADE = {
    name: resource
    for name, resource in TEMPLATE["Resources"].items()
    if resource.get("Metadata", {}).get("BuildMethod")
}


def pins(path: Path) -> dict[str, str]:
    """Version by package."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", [CORE, *ABOVE_CORE], ids=lambda path: path.parent.name)
def test_what_is_deployed_is_what_is_tested(path):
    """Each package has the version that the development environment has."""
    tested = pins(ROOT / "requirements/dev.txt")
    deployed = pins(path)
    assert deployed
    assert {name: tested.get(name) for name in deployed} == deployed


@pytest.mark.parametrize("path", ABOVE_CORE, ids=lambda path: path.parent.name)
def test_no_package_is_shipped_twice(path):
    """What the core layer brings is not beside it again."""
    assert pins(CORE).keys() & pins(path).keys() == set()


def test_the_sdk_of_the_command_line_is_in_no_layer():
    """Nor beside a function; the container and the development environment have the command line, and so the SDK."""
    assert [path for path in (CORE, *ABOVE_CORE) if "upstash-redis" in pins(path)] == []
    both = [pins(ROOT / "requirements" / name) for name in ("dev.txt", "container.txt")]
    assert [found.get("upstash-redis", "").rpartition(".")[0] for found in both] == ["1.8", "1.8"]


def test_all_that_has_requirements_is_made_for_one_architecture():
    """By a Makefile that the architecture chooses: SAM's own builder compiles nothing."""
    assert set(MADE) == {"GatewayCoreLayer", "JobsLayer", "LiteLLMLayer", "Mcp"}
    for name, resource in MADE.items():
        metadata, properties = resource["Metadata"], resource["Properties"]
        folder = properties.get("ContentUri") or properties["CodeUri"]
        assert metadata["BuildMethod"] == "makefile"
        assert metadata["ContextPath"] == {"Sub": f"{folder}/platforms/${{Architecture}}"}
        assert f"build-{name}:" in (ROOT / folder / "Makefile").read_text()
        for architecture in TEMPLATE["Parameters"]["Architecture"]["AllowedValues"]:
            assert (ROOT / folder / "platforms" / architecture / "Makefile").is_file()
