"""What looks at new versions before they get traffic: of which functions, and what it may do."""

from gateway_core.triggers.preflight import ROUTES
from tests.template.test_template import FUNCTIONS, TEMPLATE, routes
from tests.template.transformed import RESOURCES, of_type, statements

PREFLIGHT = TEMPLATE["Resources"]["Preflight"]["Properties"]


def test_every_new_version_is_looked_at():
    """By CodeDeploy, before its canary, with no deployment of its own to wait for."""
    aliases = of_type("AWS::Lambda::Alias")
    hooked = {
        name
        for name in aliases
        if RESOURCES[name].get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {}).get("BeforeAllowTrafficHook")
        == {"Ref": "Preflight"}
    }
    assert hooked == {f"{name}Aliaslive" for name in FUNCTIONS}
    assert "UpdatePolicy" not in RESOURCES["PreflightAliaslive"]


def test_it_asks_for_a_route_of_each_function_that_has_one():
    """Which the function really has."""
    assert ROUTES.keys() == {name for name in FUNCTIONS if routes(FUNCTIONS[name])}
    for name, (_method, path) in ROUTES.items():
        assert path in {"/admin/keys", *(known for _any, known in routes(FUNCTIONS[name]))}


def test_it_may_ask_the_functions_and_report_and_nothing_else():
    """It has no way to a secret, and CodeDeploy's role may call it by its name."""
    allowed = [statement for name, statement in statements() if name == "PreflightRole"]
    assert [statement["Action"] for statement in allowed] == [
        ["codedeploy:GetDeployment", "codedeploy:PutLifecycleEventHookExecutionStatus"],
        "lambda:InvokeFunction",
    ]
    assert allowed[0]["Resource"]["Fn::Sub"].endswith(":deploymentgroup:${ServerlessDeploymentApplication}/*")
    asked = [arn["Fn::Sub"].partition(":function:")[2] for arn in allowed[1]["Resource"]]
    assert sorted(asked) == sorted(f"${{AWS::StackName}}-{name}-*" for name in FUNCTIONS if name != "JobWorker")
    assert PREFLIGHT["FunctionName"] == {"Sub": "CodeDeployHook_${AWS::StackName}"}
    assert PREFLIGHT["Timeout"] > 60  # what it waits for a version, a cold start included
