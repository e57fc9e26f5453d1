"""What passes `sam validate --lint` and is wrong all the same, or does nothing: held on what CloudFormation gets.

Linters know what Lambda takes for any kind of function; this stack has plain ones behind a REST API.
"""

import re

import pytest

from scripts.lambda_image import IMAGE
from tests.template.test_template import FUNCTIONS, LOOKS, ROOT, STREAMED, TEMPLATE, memory_mb
from tests.template.transformed import MADE, RESOURCES, of_type, operations

LONGEST_S = 900
"""Of a plain function; linters allow 5400, which is for others (Lambda Managed Instances)."""
MOST_MIB = 10_240
BUFFERED_S = 29
STREAMED_MS = 900_000
LOG_LEVELS = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"}
RESERVED = re.compile(
    r"_HANDLER|_X_AMZN_.*|AWS_(REGION|DEFAULT_REGION|EXECUTION_ENV|ACCESS_KEY(_ID)?|SECRET_ACCESS_KEY|SESSION_TOKEN)"
    r"|AWS_LAMBDA_(FUNCTION|LOG|RUNTIME|INITIALIZATION).*|LAMBDA_(TASK_ROOT|RUNTIME_DIR)"
)
"""Variables that Lambda sets and lets nobody else set."""


def function_of_route(path: str) -> str:
    """The logical id of the function behind a path."""
    return dict(operations())[path]["uri"]["Fn::Sub"].partition("functions/${")[2].partition("Aliaslive}")[0]


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_function_is_within_what_plain_lambda_has(name):
    """Memory and time, the runtime that was tested, and no variable that Lambda keeps for itself."""
    properties = RESOURCES[name]["Properties"]
    assert 0 < properties["Timeout"] <= LONGEST_S
    assert 128 <= memory_mb(name) <= MOST_MIB
    # SAM passes on any runtime, python3.99 as well. The layers' compiled parts and `.pyc` files are of this one.
    assert properties["Runtime"] == "python3.13"
    assert [variable for variable in properties["Environment"]["Variables"] if RESERVED.fullmatch(variable)] == []
    assert len(properties["Layers"]) <= 5


def test_everything_is_made_for_the_runtime():
    """The layers say so, their Makefiles take its wheels, and `sam local` runs it."""
    assert {str(layer["CompatibleRuntimes"]) for layer in of_type("AWS::Lambda::LayerVersion").values()} == {
        "['python3.13']"
    }
    assert "VERSION := 3.13\n" in (ROOT / "layers/gateway_core/platforms/wheels.mk").read_text()
    assert "/python:3.13-" in IMAGE


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_log_levels_are_words_of_lambda(name):
    """Whatever the parameter may be: SAM passes WARNING on, and CloudFormation fails in the middle of a deployment."""
    logging = RESOURCES[name]["Properties"]["LoggingConfig"]
    assert logging["LogFormat"] == "JSON"
    assert logging["ApplicationLogLevel"] == {"Ref": "LogLevel"}
    assert set(TEMPLATE["Parameters"]["LogLevel"]["AllowedValues"]) <= LOG_LEVELS
    assert logging["SystemLogLevel"] in {"DEBUG", "INFO", "WARN"}


@pytest.mark.parametrize("path", [path for path, _ in operations()])
def test_no_function_outlives_its_route(path):
    """API Gateway ends a buffered answer at 29 s, and a streamed one when the route says, at 15 min at the latest."""
    timeout_s = RESOURCES[function_of_route(path)]["Properties"]["Timeout"]
    if path not in STREAMED:
        assert timeout_s <= BUFFERED_S
        return
    limit_ms = dict(operations())[path]["timeoutInMillis"]
    if path in LOOKS:  # nothing of it is lost when it is cut: it is asked for again
        timeout_s = 0
    assert timeout_s * 1000 <= limit_ms <= STREAMED_MS


def test_the_api_is_regional():
    """The edge's ends a stream after 30 s of silence, a regional one after 5 min."""
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    assert api["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


def test_there_is_one_stage():
    """SAM adds another by the name of Stage, without limits or logs, unless it is told the version of OpenAPI."""
    assert len(of_type("AWS::ApiGateway::Stage")) == 1
    assert [d["StageName"] for d in of_type("AWS::ApiGateway::Deployment").values() if "StageName" in d] == []


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_is_called_is_a_published_version(name):
    """SnapStart has none of $LATEST, and a rollback needs something to go back to."""
    alias = RESOURCES[f"{name}Aliaslive"]["Properties"]
    version = alias["FunctionVersion"]["Fn::GetAtt"][0]
    assert RESOURCES[version]["Properties"]["FunctionName"] == {"Ref": name}
    assert alias["FunctionName"] == {"Ref": name}


@pytest.mark.parametrize("path", [path for path, _ in operations()])
def test_the_api_may_invoke_what_it_calls(path):
    """The alias, which has rights of its own."""
    alias = {"Ref": f"{function_of_route(path)}Aliaslive"}
    permissions = of_type("AWS::Lambda::Permission").values()
    granted = [p for p in permissions if p["FunctionName"] == alias and p["Principal"] == "apigateway.amazonaws.com"]
    route = re.sub(r"\{[^}]*\}", "*", path)
    assert [p for p in granted if p["SourceArn"]["Fn::Sub"][0].endswith(route)]
    assert {p["Action"] for p in granted} == {"lambda:InvokeFunction"}


def test_what_is_kept_is_said_in_words():
    """A condition in a DeletionPolicy passes the linter and CloudFormation refuses it."""
    kinds = ("DeletionPolicy", "UpdateReplacePolicy")
    said = [resource[kind] for resource in RESOURCES.values() for kind in kinds if kind in resource]
    assert said
    assert {type(word) for word in said} == {str}
    assert set(said) <= {"Delete", "Retain", "RetainExceptOnCreate"}


def test_nothing_of_sam_is_left():
    """A property that SAM does not know stays where it is, and CloudFormation has no such resource."""
    assert "Transform" not in MADE
    assert [name for name, resource in RESOURCES.items() if resource["Type"].startswith("AWS::Serverless")] == []
