"""`server.json`, by which registries of MCP servers know the gateway."""

import json
import re
from pathlib import Path

from jsonschema import Draft7Validator, FormatChecker

from gateway_core import __version__
from gateway_core.api.auth import presented_key
from gateway_core.mcp_front.app import PATH

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "tests/schemas/server.schema.json").read_text())
SERVER = json.loads((ROOT / "server.json").read_text())
VARIABLE = re.compile(r"\{(\w+)\}")


def filled(text, variables):
    """A template as a registry's client fills it in."""
    return VARIABLE.sub(lambda found: variables[found[1]]["placeholder"], text)


def test_it_has_the_form_that_registries_take():
    """The schema is that of the newest revision, which it names."""
    validator = Draft7Validator(SCHEMA, format_checker=FormatChecker())
    assert [error.message for error in validator.iter_errors(SERVER)] == []
    assert SERVER["$schema"] == SCHEMA["$id"]
    wrong = {**SERVER, "remotes": [{"type": "http", "url": "https://a.example/mcp"}]}
    assert list(validator.iter_errors(wrong)), "the schema holds nothing"


def test_it_leads_to_the_endpoint_with_the_key():
    """Once its variables are filled in."""
    (remote,) = SERVER["remotes"]
    assert filled(remote["url"], remote["variables"]).endswith(f".amazonaws.com/live{PATH}")
    (header,) = remote["headers"]
    assert presented_key({header["name"].lower(): filled(header["value"], header["variables"])}) == "gk_..."
    assert header["isSecret"]
    assert header["variables"]["key"]["isSecret"]


def registry_faults(server):
    """What the registry finds beyond the schema, in its `internal/validators`: addresses and their variables."""
    for remote in server["remotes"]:
        if not remote["url"].startswith("https://"):
            yield "not https"
        if re.match(r"https://(localhost|127\.0\.0\.1|[^/]*\.localhost)([:/]|$)", remote["url"]):
            yield "this machine"
        if not set(VARIABLE.findall(remote["url"])) <= remote.get("variables", {}).keys():
            yield "a variable that is not described"


def faults(server):
    """Of the schema and of the registry."""
    validator = Draft7Validator(SCHEMA, format_checker=FormatChecker())
    return [*(error.message for error in validator.iter_errors(server)), *registry_faults(server)]


def test_the_registry_takes_it_but_for_its_name():
    """Its name is of a domain that nobody can show to be theirs (RFC 2606), so that none publishes it as it is."""
    assert faults(SERVER) == []
    assert SERVER["name"].partition("/")[0] == "com.example"
    for remote in SERVER["remotes"]:
        for header in remote["headers"]:
            assert set(VARIABLE.findall(header["value"])) == header["variables"].keys()


def test_it_is_taken_with_the_changes_that_the_documentation_tells():
    """A name of one's own and one address; with a mistake in these it is not."""
    page = (ROOT / "docs/mcp.md").read_text().partition("\n## In a registry\n")[2].partition("\n## ")[0]
    (block,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    told = {**SERVER, **json.loads(block)}
    assert faults(told) == []
    assert told["name"] != SERVER["name"]
    (remote,) = told["remotes"]
    assert VARIABLE.findall(remote["url"]) == []
    (header,) = remote["headers"]
    assert presented_key({"authorization": header["value"].replace("{key}", "gk_a_b")}) == "gk_a_b"
    for url, fault in (
        ("http://llm.example.com/mcp", "not https"),
        ("https://localhost:8787/mcp", "this machine"),
        ("https://{host}/mcp", "a variable that is not described"),
    ):
        assert faults({**told, "remotes": [{**remote, "url": url}]}) == [fault]


def test_it_is_of_this_version():
    """A release renews it."""
    assert SERVER["version"] == __version__
