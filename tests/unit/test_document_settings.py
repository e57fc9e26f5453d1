"""Configuration, and what is put into it, is taken as the documents show it."""

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from gateway_core.batch.questions import Question
from gateway_core.batch.validation.base import InvalidAnswerError
from gateway_core.batch.validation.registry import Registry
from gateway_core.config.documents import Document
from gateway_core.config.settings import GatewaySettings
from scripts.openapi.__main__ import TARGET
from tests.documents.fences import ROOT, fences, inline
from tests.documents.selections import CONFIGURATIONS
from tests.template.test_template import TEMPLATE


@pytest.mark.parametrize("fence", CONFIGURATIONS, ids=lambda fence: fence.name)
def test_each_configuration_is_taken(fence):
    """As a document of its own, over what ships, whose groups stay."""
    settings = GatewaySettings.from_env({}, [Document(fence.page, fence.code)])
    assert set(GatewaySettings.from_env({}, []).catalog.groups) <= set(settings.catalog.groups)


def test_a_field_that_there_is_not_would_be_told():
    """The check above is the gateway's own, which takes no unknown field."""
    (fence,) = [fence for fence in CONFIGURATIONS if fence.page == "docs/caching.md"]
    with pytest.raises(Exception, match=r"cache\.ttl: There is no such field"):
        GatewaySettings.from_env({}, [Document(fence.page, fence.code.replace("ttl_s", "ttl"))])


def test_a_strategy_of_ones_own_is_loaded_and_used(tmp_path, monkeypatch):
    """The program of docs/validation.md, by the configuration above it: capitals pass, other answers are corrected."""
    here = [fence for fence in fences() if fence.page == "docs/validation.md"]
    (program,) = [fence.code for fence in here if fence.language == "python"]
    package = tmp_path / "my_models"
    package.mkdir()
    (package / "checks.py").write_text(program)
    (package / "invoices.py").write_text(
        "from pydantic import BaseModel\n\n\nclass Invoice(BaseModel):\n    total: str\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    (configuration,) = [Document(fence.page, fence.code) for fence in here if fence.language == "yaml"]
    settings = GatewaySettings.from_env({}, [configuration])
    registry = Registry.load(settings.batch_strategies, settings.batch_response_models)
    validator = registry.validator(Question(index=1, text="Shout", validation_strategy="shouting"))
    assert validator.result_of("LOUD") == "LOUD"
    with pytest.raises(InvalidAnswerError, match=r"Write in capitals\."):
        validator.result_of("quiet")
    assert registry.models["Invoice"].model_fields.keys() == {"total"}


def test_each_parameter_of_the_template_that_a_page_names_exists():
    """In code within the text, as `Name=value`; `make deploy` would refuse another one."""
    named = {
        (path.name, name) for path in ROOT.glob("docs/*.md") for code in inline(path) for name in _parameters(code)
    }
    assert len(named) >= 9
    assert [each for each in sorted(named) if each[1] not in TEMPLATE["Parameters"]] == []


def _parameters(code: str) -> list[str]:
    name, is_given, _ = code.partition("=")
    return [name] if is_given and name.isalpha() and name[0].isupper() and not name.isupper() else []


def test_the_variables_for_sams_functions_are_ones_that_they_have():
    """SAM gives a function of `env.json` only what its template names."""
    (block,) = [
        json.loads(fence.code) for fence in fences() if fence.page == "docs/deploy.md" and '"Parameters"' in fence.code
    ]
    declared = set(TEMPLATE["Globals"]["Function"]["Environment"]["Variables"])
    for resource in TEMPLATE["Resources"].values():
        declared |= set(resource.get("Properties", {}).get("Environment", {}).get("Variables", {}))
    assert set(block["Parameters"]) <= declared


def test_an_override_of_compose_changes_the_service_that_there_is():
    """With fields that compose.yaml has as well, and a volume whose place is the configuration's."""
    (block,) = [fence.code for fence in fences() if fence.page == "docs/docker.md" and fence.language == "yaml"]
    override, compose = yaml.safe_load(block), yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert override.keys() <= compose.keys()
    assert override["services"].keys() == {"gateway"}
    service = override["services"]["gateway"]
    assert service.keys() <= compose["services"]["gateway"].keys()
    _, target, mode = service["volumes"][0].split(":")
    assert (Path(service["environment"]["GATEWAY_CONFIG"]).parent.as_posix(), mode) == (target, "ro")


def test_the_row_of_a_budget_has_all_its_members():
    """As GET /v1/budgets answers them, in openapi.json and in docs/api.md."""
    (shown,) = [
        json.loads(fence.code) for fence in fences() if fence.page == "docs/api.md" and fence.language == "json"
    ]
    document = json.loads((TARGET).read_text())
    answer = document["paths"]["/v1/budgets"]["get"]["responses"]["200"]["content"]["application/json"]
    recorded = next(iter(answer["examples"].values()))["value"]["budgets"][0]
    assert shown.keys() == recorded.keys()


def test_codex_has_the_same_settings_everywhere():
    """docs/responses.md shows what tests/clients starts Codex with, but for the address and the model."""
    own, whole = (
        tomllib.loads(next(fence.code for fence in fences() if fence.page == page and fence.language == "toml"))
        for page in ("docs/responses.md", "docs/clients/codex.md")
    )
    provider, started = own["model_providers"]["gateway"], whole["model_providers"]["gateway"]
    assert provider["base_url"] == "http://127.0.0.1:8787/v1"
    assert {**provider, "base_url": "", "name": ""} == {**started, "base_url": "", "name": ""}
    assert own["model_provider"] == whole["model_provider"]
