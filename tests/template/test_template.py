"""What template.yaml promises, read as data; `make validate` lets SAM and cfn-lint judge the rest."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local.front import LOCAL_ROUTES, function_of

ROOT = Path(__file__).parents[2]


class Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (`!Ref x`) as one-entry mappings."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _intrinsic)
TEMPLATE = yaml.load((ROOT / "template.yaml").read_text(), Loader)  # noqa: S506 - a SafeLoader with tags
FUNCTIONS = {
    name: resource["Properties"]
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::Serverless::Function"
}
CALL_MODELS = {"Complete", "Embed", "Stream"}


def routes(properties):
    """(method, path) of a function's API events."""
    events = properties.get("Events", {}).values()
    return [(e["Properties"]["Method"], e["Properties"]["Path"]) for e in events if e["Type"] == "Api"]


def variables(properties):
    return properties.get("Environment", {}).get("Variables", {})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_a_folder_with_a_handler(name):
    """`app.handler`, as the globals say."""
    folder = ROOT / FUNCTIONS[name]["CodeUri"]
    assert (folder / "app.py").is_file()
    assert not (folder / "__init__.py").exists()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_local_front_sends_each_path_to_the_same_function(name):
    """What API Gateway does on AWS and what `make run` does are the same."""
    folder = Path(FUNCTIONS[name]["CodeUri"]).name
    for _method, path in routes(FUNCTIONS[name]):
        assert function_of(path.replace("{model_id+}", "gpt-5.1")) == folder


def test_what_one_process_has_alone_is_not_deployed():
    """A feed of this process would show a fraction of a fleet's events."""
    deployed = {path for properties in FUNCTIONS.values() for _method, path in routes(properties)}
    assert set(LOCAL_ROUTES) == {"/v1/events"}
    assert not set(LOCAL_ROUTES) & deployed


def test_every_function_folder_is_deployed():
    """No folder is forgotten."""
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert {Path(p["CodeUri"]).name for p in FUNCTIONS.values()} == folders


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_only_functions_that_call_models_may_read_provider_keys(name):
    """In the environment and in the role alike."""
    properties = FUNCTIONS[name]
    assert ("GATEWAY_SECRETS_PROVIDERS" in variables(properties)) == (name in CALL_MODELS)
    assert ({"Ref": "ProviderSecrets"} in properties["Policies"]) == (name in CALL_MODELS)
    assert {"Ref": "StoreSecrets"} in properties["Policies"]


def test_layers_are_built_for_the_functions_processor():
    """SAM puts x86-64 binaries into an arm64 layer unless it is told."""
    for resource in TEMPLATE["Resources"].values():
        if resource["Type"] == "AWS::Serverless::LayerVersion":
            assert resource["Metadata"]["BuildArchitecture"] == {"Ref": "Architecture"}
            assert resource["Properties"]["CompatibleArchitectures"] == [{"Ref": "Architecture"}]
    assert TEMPLATE["Globals"]["Function"]["Architectures"] == [{"Ref": "Architecture"}]


STREAMED = {"/v1/complete", "/v1/stream", "/v1/chat/completions", "/mcp"}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_waits_for_a_model_streams(name):
    """SAM takes only this spelling; any other is silently buffered. The runtime that can stream goes with it."""
    properties = FUNCTIONS[name]
    for event in properties["Events"].values():
        streams = event["Properties"]["Path"] in STREAMED
        assert (event["Properties"].get("ResponseTransferMode") == "RESPONSE_STREAM") == streams
        assert (variables(properties).get("AWS_LAMBDA_EXEC_WRAPPER") == "/opt/stream-runtime") == streams
        if streams:
            assert event["Properties"]["TimeoutInMillis"] >= properties["Timeout"] * 1000
