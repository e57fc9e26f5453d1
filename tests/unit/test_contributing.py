"""The how-tos: what CONTRIBUTING.md and config.example.yaml tell others to write is there, and works."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
import yaml

from gateway_core.access.rights import TOOLS as RIGHTS
from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings
from gateway_core.mcp_front.server import OPERATIONS
from local.front import ROUTES, function_of
from tests.template.test_template import FUNCTIONS, routes, variables

ROOT = Path(__file__).parents[2]
API = ROOT / "layers/gateway_core/src/gateway_core/api"
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
EXAMPLES = re.sub(r"^#: ", "", (ROOT / "config.example.yaml").read_text("utf-8"), flags=re.MULTILINE)
PROVIDER = CONTRIBUTING.partition("```yaml\n")[2].partition("```")[0]
TOOLS = CONTRIBUTING.partition("## Add a tool or a function")[2].partition("\n## ")[0]


def known_to_litellm():
    """Names of providers. Read as a file: importing LiteLLM takes seconds of CPU."""
    spec = importlib.util.find_spec("litellm")
    assert spec
    assert spec.origin
    text = (Path(spec.origin).parent / "types/utils.py").read_text("utf-8")
    return set(re.findall(r'^    [A-Z0-9_]+ = "(\w+)"$', text.partition("class LlmProviders")[2], re.MULTILINE))


@pytest.mark.parametrize("document", [EXAMPLES, PROVIDER], ids=["config.example.yaml", "CONTRIBUTING.md"])
def test_example_providers_are_ones_that_litellm_knows(document):
    """A name of one's own loads, and then every call is a 400."""
    assert set(yaml.safe_load(document)["providers"]) <= known_to_litellm()


def test_the_provider_to_copy_is_valid():
    """With its model, its group and its price."""
    catalog = GatewaySettings.from_env({}, [Document("CONTRIBUTING.md", PROVIDER)]).catalog
    added = yaml.safe_load(PROVIDER)
    assert set(added["providers"]) <= set(catalog.providers)
    assert {key for keys in added["groups"].values() for key in keys} <= set(catalog.models)


def test_files_that_contributors_are_sent_to_exist():
    """Also the tests that they are told to run."""
    prefixes = "benchmarks|docs|events|functions|layers|local|scripts|tests"
    paths = re.findall(rf"(?<![\w/])((?:{prefixes})/[\w./-]*)(?:::(\w+))?", CONTRIBUTING)
    assert len(paths) > 20
    for path, test in paths:
        assert (ROOT / path.rstrip(".")).exists(), path
        assert not test or f"def {test}(" in (ROOT / path).read_text("utf-8")


def test_a_tool_has_ten_places():
    """Each row names a file, and what is in it."""
    rows = re.findall(r"^\| (?:(\d+) \| )?`([^`]+)` \| `([^`]+)`", TOOLS, re.MULTILINE)
    assert [int(number) for number, _, _ in rows if number] == list(range(1, 11))
    for _, path, code in rows:
        assert code in (ROOT / path).read_text("utf-8"), (path, code)


@pytest.mark.parametrize("operation", [operation for operation, _ in OPERATIONS], ids=lambda tool: tool.name)
def test_each_tool_has_all_its_places(operation):
    """Whatever was added last, too."""
    folder, pages = operation.function, {name: (ROOT / f"docs/{name}.md").read_text("utf-8") for name in ("api", "mcp")}
    assert (ROOT / f"functions/{folder}/app.py").is_file()
    right = operation.right or operation.name
    # A right that jobs are held to as well has its name where both can see it.
    named = (*API.glob("*.py"), *API.parent.glob("batch/questions.py"))
    assert any(f'"{right}"' in path.read_text("utf-8") for path in named)
    assert right in RIGHTS
    assert folder in ROUTES.values()
    events = [json.loads(path.read_text("utf-8")) for path in (ROOT / "events").glob("*.json")]
    assert folder in {function_of(event["path"]) for event in events if "path" in event}
    route = re.search(rf"^\| `{operation.name}` \|.*\| `(\w+) (\S+)` \|$", pages["mcp"], re.MULTILINE)
    assert route
    assert f'"name": "{operation.name}"' in pages["mcp"]
    assert f"`{route[1]} {route[2]}" in pages["api"]
    name = next(name for name, found in FUNCTIONS.items() if ("ANY", route[2]) in routes(found))
    assert FUNCTIONS[name]["CodeUri"] == f"functions/{folder}"
    alias = {"Ref": f"{name}.Alias"}
    assert variables(FUNCTIONS["Mcp"])[f"GATEWAY_FUNCTION_{folder.upper()}"] == alias
    statements = [s for policy in FUNCTIONS["Mcp"]["Policies"] for s in policy.get("Statement", [])]
    assert alias in [resource for statement in statements for resource in statement["Resource"]]


def test_commits_that_blame_looks_behind_are_whole_hashes():
    """A short one ends every `git blame` with an error."""
    lines = (ROOT / ".git-blame-ignore-revs").read_text("utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"# .+|[0-9a-f]{40}", line)] == []
