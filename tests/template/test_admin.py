"""Who may administer: what asks for a signature of AWS, and what the function that is asked may do."""

import json

from tests.lambda_runtime.deployment import EVENTS
from tests.template.test_template import FUNCTIONS, TEMPLATE, routes, variables
from tests.template.transformed import RESOURCES, of_type, statements

PATH = "/admin/{proxy+}"


def paths():
    """Of the API, as CloudFormation gets it."""
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    return api["Body"]["paths"], api["Body"]["components"]["securitySchemes"]


def test_administration_and_nothing_else_asks_for_a_signature():
    """All methods of all paths below it, by IAM; API Gateway invokes the function by itself."""
    found, schemes = paths()
    signed = {path for path, methods in found.items() for method in methods.values() if method.get("security")}
    assert signed == {PATH}
    assert set(found[PATH]) == {"x-amazon-apigateway-any-method"}
    method = found[PATH]["x-amazon-apigateway-any-method"]
    assert method["security"] == [{"AWS_IAM": []}]
    assert "credentials" not in method["x-amazon-apigateway-integration"]
    assert schemes["AWS_IAM"]["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_no_other_path_leads_to_it():
    """Nor does another function have a path below it: the longest path wins in API Gateway."""
    assert routes(FUNCTIONS["Admin"]) == [("ANY", PATH)]
    every = [path for properties in FUNCTIONS.values() for _method, path in routes(properties)]
    assert [path for path in every if path.startswith("/admin")] == [PATH]
    invokers = [p for p in of_type("AWS::Lambda::Permission").values() if "Admin" in str(p["FunctionName"])]
    assert {permission["Principal"] for permission in invokers} == {"apigateway.amazonaws.com"}
    assert all("/*/admin/*" in str(permission["SourceArn"]) for permission in invokers)


def test_it_reads_the_store_and_no_providers_key():
    """It tells events, and moves what was given up back to the backlog."""
    properties = FUNCTIONS["Admin"]
    assert "Layers" not in properties
    assert {"Ref": "ProviderSecrets"} not in properties["Policies"]
    assert set(variables(properties)) == {"AWS_LAMBDA_EXEC_WRAPPER", "GATEWAY_EVENT_BUS", "GATEWAY_ADMIN_BACKLOG"}
    own = [s for name, s in statements() if name == "AdminRole"]
    assert {action.partition(":")[0] for statement in own for action in statement["Action"]} == {"sqs"}
    assert "CORS" not in str(RESOURCES["Admin"]).upper()


def test_what_api_gateway_refuses_has_the_gateways_form():
    """Each says what is missing: a signature, a right one, a fresh one, a right."""
    refusals = TEMPLATE["Resources"]["Api"]["Properties"]["GatewayResponses"]
    wanted = {
        "MISSING_AUTHENTICATION_TOKEN": (401, "unauthenticated"),
        "INVALID_SIGNATURE": (403, "forbidden"),
        "EXPIRED_TOKEN": (403, "forbidden"),
        "ACCESS_DENIED": (403, "forbidden"),
    }
    found = {name: refusals[name] for name in wanted}
    bodies = {name: json.loads(each["ResponseTemplates"]["application/json"])["error"] for name, each in found.items()}
    assert {name: (found[name]["StatusCode"], bodies[name]["code"]) for name in wanted} == wanted
    assert {tuple(sorted(body)) for body in bodies.values()} == {
        ("attempts", "code", "message", "param", "request_id", "retryable", "type")
    }


def test_the_event_is_of_somebody_whom_iam_knows():
    """As API Gateway sends it: no key, but who signed."""
    event = EVENTS["admin"]
    assert event["requestContext"]["identity"]["userArn"].startswith("arn:aws:sts::")
    assert "authorization" not in event["headers"]
