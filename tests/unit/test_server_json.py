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


def filled(text, variables):
    """A template as a registry's client fills it in."""
    return re.sub(r"\{(\w+)\}", lambda found: variables[found[1]]["placeholder"], text)


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


def test_it_is_of_this_version():
    """A release renews it."""
    assert SERVER["version"] == __version__
