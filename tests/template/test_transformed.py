"""What CloudFormation gets, after SAM's transform: where a template of SAM looks right and does something else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from scripts.transform_template import transform
from tests.template.test_template import CALL_MODELS, FUNCTIONS, STREAMED, TEMPLATE

MADE = transform({})
RESOURCES = MADE["Resources"]
# Resources that cost nothing while nobody calls; of alarms ten metrics are free. An event source asks its queue
# 650,000 times a month, and a million are.
FREE_WHEN_IDLE = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::DomainName",
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Events::EventBus",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::LogGroup",
    "AWS::Route53::RecordSet",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::Queue",
    "AWS::Scheduler::Schedule",
    "AWS::WAFv2::WebACLAssociation",
}
FREE_ALARMS = 10
"""Metrics that alarms look at, which is what they are billed by."""
# Services of which a function may read what is its own.
READS = {"appconfig", "kms", "s3", "secretsmanager", "ssm"}
SLOW = {"Ask", "Complete", "Embed", "Mcp", "Stream", "Tokens"}
"""What loads LiteLLM or FastMCP, and is waited for."""
# Changing them publishes no version, as they do not touch the function itself.
NOT_OF_THE_VERSION = {"StreamConcurrency"}


def of_type(kind: str, resources: dict[str, Any] = RESOURCES) -> dict[str, Any]:
    """Properties by logical id."""
    return {name: r.get("Properties", {}) for name, r in resources.items() if r["Type"] == kind}


def metrics_of(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """What an alarm looks at: one metric, or those that it computes with."""
    return (
        [one["MetricStat"]["Metric"] for one in alarm["Metrics"] if "MetricStat" in one]
        if "Metrics" in alarm
        else [alarm]
    )


def walk(value: Any) -> Iterator[Any]:
    """Every value inside a value, itself included."""
    yield value
    if isinstance(value, dict):
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def parameters_in(value: Any) -> set[str]:
    """The template's parameters that a value depends on, by name, text or condition."""
    found: set[str] = set()
    for inner in walk(value):
        match inner:
            case {"Ref": str(name)}:
                found.add(name)
            case {"Fn::Sub": str(text) | [str(text), *_]}:
                found.update(re.findall(r"\$\{(\w+)\}", text))
            case {"Fn::If": [str(condition), *_]}:
                found |= parameters_in(MADE["Conditions"][condition])
            case {"Condition": str(condition)}:
                found |= parameters_in(MADE["Conditions"][condition])
    return found & set(TEMPLATE["Parameters"])


def versions() -> dict[str, Any]:
    """Each function's version, by the function's logical id."""
    return {version["FunctionName"]["Ref"]: version for version in of_type("AWS::Lambda::Version").values()}


def operations() -> Iterator[tuple[str, Any]]:
    """Path and integration of every method."""
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    for path, methods in api["Body"]["paths"].items():
        for method in methods.values():
            yield path, method["x-amazon-apigateway-integration"]


@pytest.mark.parametrize("path", [path for path, _ in operations()])
def test_each_route_has_the_transfer_mode_that_it_needs(path):
    """Streamed through the API for that; everything else buffered. Both call what is released, the alias."""
    integration = dict(operations())[path]
    uri = integration["uri"]["Fn::Sub"]
    assert ("responseTransferMode" in integration) == (path in STREAMED)
    assert integration.get("responseTransferMode", "STREAM") == "STREAM"
    assert uri.endswith("/response-streaming-invocations" if path in STREAMED else "/invocations")
    assert "Aliaslive" in uri
    assert ("timeoutInMillis" in integration) == (path in STREAMED)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_changed_parameter_is_released(name):
    """SAM publishes no version when only a parameter's value changes; a changed description of the version does it."""
    description = versions()[name]["Description"]
    changing = parameters_in(RESOURCES[name]["Properties"]) - NOT_OF_THE_VERSION
    assert changing - {"Stage"} <= parameters_in(description)
    # Layers are built for it, although the function names it nowhere else.
    assert "Architecture" in parameters_in(description)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_what_makes_a_new_version_changes_the_function(name):
    """Lambda publishes no version of a function that is what it was, and CloudFormation fails then.

    Secrets are read when an environment starts: a new version starts new ones, which SecretsVersion is for.
    """
    described = parameters_in(versions()[name]["Description"])
    assert described <= parameters_in(RESOURCES[name]["Properties"])
    assert "SecretsVersion" in described


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_the_description_of_a_version_fits(name):
    """Lambda takes 256 characters."""
    text = versions()[name]["Description"]["Fn::Sub"]
    longest = 0
    for parameter in re.findall(r"\$\{(\w+)\}", text):
        definition = TEMPLATE["Parameters"][parameter]
        choices = [len(str(value)) for value in definition.get("AllowedValues", [])]
        longest += max(choices) if choices else definition["MaxLength"]
    assert longest + len(re.sub(r"\$\{\w+\}", "", text)) <= 256


def test_changed_code_is_released():
    """All code is in the layers, so a new layer must make a new version of each function, and the same code none."""
    again, changed = (of_type("AWS::Lambda::Version", transform({}, code)["Resources"]) for code in ("code", "other"))
    assert set(again) == set(of_type("AWS::Lambda::Version"))
    assert set(changed) & set(again) == set()


def test_old_versions_stay_and_old_layers_go():
    """What runs on a version ends there, and it is the way back; Lambda keeps what it needs of a layer by itself."""
    for kind, wanted in (("AWS::Lambda::Version", "Retain"), ("AWS::Lambda::LayerVersion", "Delete")):
        said = {r["DeletionPolicy"] for r in RESOURCES.values() if r["Type"] == kind}
        assert said == {wanted}


def test_only_production_shifts_traffic_slowly():
    """A canary, taken back when an alarm goes off."""
    groups = of_type("AWS::CodeDeploy::DeploymentGroup").values()
    for group in groups:
        condition, canary, at_once = group["DeploymentConfigName"]["Fn::If"]
        assert condition == "IsProd"
        assert "Canary10Percent5Minutes" in str(canary)
        assert "AllAtOnce" in str(at_once)
        assert group["AutoRollbackConfiguration"]["Enabled"]


def test_it_costs_nothing_while_idle():
    """No resource has a price by the hour: docs/cost.md shows the sum."""
    assert {resource["Type"] for resource in RESOURCES.values()} <= FREE_WHEN_IDLE
    extra = {"HasAlarmTopic", "IsProd", "IsProdWithJobs"}
    alarms = [
        r["Properties"] for r in RESOURCES.values() if r["Type"].endswith("::Alarm") and r.get("Condition") not in extra
    ]
    assert sum(len(metrics_of(alarm)) for alarm in alarms) == FREE_ALARMS
    for name, function in of_type("AWS::Lambda::Function").items():
        chosen = {"Fn::If": ["UsesSnapStart", "PublishedVersions", "None"]}
        # Where a start takes long, and somebody waits for it.
        assert function["SnapStart"] == {"ApplyOn": chosen if name in SLOW else "None"}
    assert TEMPLATE["Parameters"]["SnapStart"]["Default"] == "off"
    assert TEMPLATE["Parameters"]["SecretsIn"]["Default"] == "ssm"


def test_a_new_account_can_take_it():
    """One has ten environments in all, of which none may be reserved, and no role yet by which the API may log."""
    assert TEMPLATE["Parameters"]["StreamConcurrency"]["Default"] == 0
    reserved = RESOURCES["Stream"]["Properties"]["ReservedConcurrentExecutions"]
    assert reserved == {"Fn::If": ["HasStreamConcurrency", {"Ref": "StreamConcurrency"}, {"Ref": "AWS::NoValue"}]}
    (stage,) = of_type("AWS::ApiGateway::Stage").values()
    assert "ApiLogsAccount" in str(stage)
    assert TEMPLATE["Parameters"]["ApiLogsRole"]["Default"] == "create"


def statements() -> Iterator[tuple[str, Any]]:
    """Everything that anybody is allowed, by the role's or policy's logical id; both branches of conditions."""
    for name, policy in of_type("AWS::IAM::ManagedPolicy").items():
        yield from ((name, statement) for statement in _flat(policy["PolicyDocument"]["Statement"]))
    for name, role in of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            yield from ((name, statement) for statement in _flat(policy["PolicyDocument"]["Statement"]))


def _flat(items: list[Any]) -> Iterator[Any]:
    for item in items:
        match item:
            case {"Fn::If": [_, *branches]}:
                yield from _flat(branches)
            case {"Effect": _}:
                yield item


def test_rights_are_small():
    """No action on everything, no wildcard in an action, and none that lets a function change anything in AWS."""
    seen = list(statements())
    assert seen
    for _, statement in seen:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert "*" not in "".join(actions)
        assert statement["Resource"] != "*"
        services = {action.partition(":")[0] for action in actions}
        assert services <= READS | {"bedrock", "codedeploy", "events", "lambda", "sqs"}


def test_the_mcp_front_may_invoke_what_it_names_and_nobody_else_may():
    """Each function in its environment, by the alias, and no other."""
    environ = RESOURCES["Mcp"]["Properties"]["Environment"]["Variables"]
    named = [value["Ref"] for name, value in environ.items() if name.startswith("GATEWAY_FUNCTION")]
    allowed = {name: s["Resource"] for name, s in statements() if s["Action"] == "lambda:InvokeFunction"}
    assert allowed.pop("ProbeScheduler") == [{"Ref": "ProbeAliaslive"}, {"Ref": "InvoicesAliaslive"}]
    assert allowed.pop("PreflightRole")  # test_preflight has more of it
    assert allowed.pop("JobStarter") == {"Ref": "JobWorkerAliaslive"}
    assert list(allowed) == ["McpRole"]
    assert [resource["Ref"] for resource in allowed["McpRole"]] == named
    assert set(named) == {
        f"{name}Aliaslive"
        for name in FUNCTIONS
        if name not in {"Admin", "Invoices", "JobWorker", "Mcp", "Probe", "Replay"}
    }


def test_what_fails_for_good_is_kept_and_raises_an_alarm():
    """Of the schedule and of the function alike, in one queue, encrypted; nobody may do more than put letters there."""
    queue = "ProbeDeadLetters"
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    assert of_type("AWS::SQS::Queue")[queue] == {"SqsManagedSseEnabled": True, "MessageRetentionPeriod": 14 * 86_400}
    schedules = of_type("AWS::Scheduler::Schedule").values()
    assert sorted(schedule["Target"]["Arn"]["Ref"] for schedule in schedules) == [
        "InvoicesAliaslive",
        *["ProbeAliaslive"] * 3,
    ]
    for schedule in schedules:
        target = schedule["Target"]
        assert target["DeadLetterConfig"]["Arn"] == arn
        assert target["RoleArn"] == {"Fn::GetAtt": ["ProbeScheduler", "Arn"]}
        assert target["RetryPolicy"]["MaximumRetryAttempts"] <= 2
        assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600
    invokes = of_type("AWS::Lambda::EventInvokeConfig").values()
    assert len(invokes) == 2
    for invoked in invokes:
        assert (invoked["Qualifier"], invoked["MaximumRetryAttempts"]) == ("live", 1)
        assert invoked["DestinationConfig"]["OnFailure"]["Destination"] == arn
    allowed = [(name, s["Action"], s["Resource"]) for name, s in statements() if "sqs:" in str(s["Action"])]
    of_the_backlog = [{"Fn::GetAtt": [name, "Arn"]} for name in ("Backlog", "BacklogDeadLetters")]
    allowed = [one for one in allowed if one[2] not in of_the_backlog]
    allowed.remove(("JobWorkerRole", "sqs:SendMessage", {"Fn::GetAtt": ["JobDeadLetters", "Arn"]}))
    assert sorted(allowed) == [
        (name, "sqs:SendMessage", arn) for name in ("InvoicesRole", "ProbeRole", "ProbeScheduler")
    ]
    alarm = of_type("AWS::CloudWatch::Alarm")["ProbeAlarm"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": [queue, "QueueName"]}}]


def test_the_scheduler_acts_for_this_account_alone():
    """Another's schedule cannot borrow the role."""
    (statement,) = of_type("AWS::IAM::Role")["ProbeScheduler"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_only_functions_that_have_the_bus_may_send_to_it():
    """And to no other: what tells of requests does, what only reads does not."""
    allowed = {name: s["Resource"] for name, s in statements() if "events:" in str(s["Action"])}
    assert allowed == {"EventSender": {"Fn::GetAtt": ["EventBus", "Arn"]}}
    for name in FUNCTIONS:
        environ = RESOURCES[name]["Properties"]["Environment"]["Variables"]
        may_send = {"Ref": "EventSender"} in RESOURCES[f"{name}Role"]["Properties"]["ManagedPolicyArns"]
        assert environ.get("GATEWAY_EVENT_BUS") == ({"Ref": "EventBus"} if may_send else None)
        assert may_send or name not in CALL_MODELS


def test_the_bus_is_named_after_the_stack_and_told():
    """For the rules of others."""
    assert of_type("AWS::Events::EventBus")["EventBus"]["Name"] == {"Ref": "AWS::StackName"}
    assert MADE["Outputs"]["EventBusName"]["Value"] == {"Ref": "EventBus"}
    assert MADE["Outputs"]["EventBusArn"]["Value"] == {"Fn::GetAtt": ["EventBus", "Arn"]}


def test_light_functions_cannot_read_provider_keys():
    """Their roles have the one policy and not the other."""
    for name, role in of_type("AWS::IAM::Role").items():
        if name.removesuffix("Role") not in FUNCTIONS:
            continue
        policies = [policy.get("Ref") for policy in role["ManagedPolicyArns"] if isinstance(policy, dict)]
        assert "StoreSecrets" in policies
        assert ("ProviderSecrets" in policies) == (
            "GATEWAY_SECRETS_PROVIDERS" in str(RESOURCES[name.removesuffix("Role")])
        )


def test_the_stage_is_throttled_and_keeps_no_keys():
    """API Gateway's own keys would claim x-api-key."""
    (stage,) = of_type("AWS::ApiGateway::Stage").values()
    (setting,) = stage["MethodSettings"]
    assert (setting["ResourcePath"], setting["HttpMethod"]) == ("/*", "*")
    assert setting["ThrottlingRateLimit"] == {"Ref": "RequestsPerSecond"}
    assert setting["ThrottlingBurstLimit"] == {"Ref": "RequestBurst"}
    assert not [
        name
        for name in RESOURCES
        if RESOURCES[name]["Type"] in {"AWS::ApiGateway::ApiKey", "AWS::ApiGateway::UsagePlan"}
    ]


def test_the_access_log_is_json_without_what_is_private():
    """One object a line; no header and no query string."""
    (stage,) = of_type("AWS::ApiGateway::Stage").values()
    line = json.loads(stage["AccessLogSetting"]["Format"])
    assert {"requestId", "status", "transferMode", "timeToFirstContentMs"} <= set(line)
    assert not [value for value in line.values() if "$input" in value or "header." in value or "authorizer" in value]


def test_what_api_gateway_answers_itself_has_our_shape():
    """Clients read one kind of error."""
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    answers = api["Body"]["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "REQUEST_TOO_LARGE", "INTEGRATION_TIMEOUT"} <= set(answers)
    for answer in answers.values():
        error = json.loads(answer["responseTemplates"]["application/json"].replace("$context.requestId", "id"))["error"]
        fields = {"code", "message", "type", "param", "retryable", "request_id", "attempts"}
        assert set(error) == fields
    assert answers["THROTTLED"]["statusCode"] == "429"
    assert "gatewayresponse.header.retry-after" in answers["THROTTLED"]["responseParameters"]


def test_logs_end():
    """Every log group has a retention."""
    groups = of_type("AWS::Logs::LogGroup")
    assert groups
    assert all(group["RetentionInDays"] == {"Ref": "LogRetentionDays"} for group in groups.values())
    for function in of_type("AWS::Lambda::Function").values():
        assert function["LoggingConfig"]["LogGroup"] == {"Ref": "LogGroup"}
        assert function["LoggingConfig"]["ApplicationLogLevel"] == {"Ref": "LogLevel"}
    # Lambda's word: CloudFormation refuses WARNING.
    assert "WARN" in TEMPLATE["Parameters"]["LogLevel"]["AllowedValues"]


def test_one_processor_for_all():
    """Functions and layers follow the parameter; SAM builds for x86-64 unless each layer says so itself."""
    for kind, field in (
        ("AWS::Lambda::Function", "Architectures"),
        ("AWS::Lambda::LayerVersion", "CompatibleArchitectures"),
    ):
        assert {str(properties[field]) for properties in of_type(kind).values()} == {"[{'Ref': 'Architecture'}]"}


def test_no_name_is_fixed():
    """Two stacks fit into one account; what has a name has the stack's."""
    for resource in RESOURCES.values():
        for field in ("FunctionName", "LayerName", "RoleName", "AlarmName", "LogGroupName", "ManagedPolicyName"):
            value = resource.get("Properties", {}).get(field)
            assert not isinstance(value, str) or resource["Type"] == "AWS::Lambda::LayerVersion"
    assert not [schedule for schedule in of_type("AWS::Scheduler::Schedule").values() if "Name" in schedule]
    assert of_type("AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardName"] == {"Ref": "AWS::StackName"}
