"""What CloudFormation gets, after SAM's transform: where a template of SAM looks right and does something else."""

import json

import pytest

from tests.template.test_template import STREAMED, TEMPLATE
from tests.template.transformed import MADE, RESOURCES, metrics_of, of_type, operations

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
SLOW = {"Ask", "Complete", "Embed", "Mcp", "Stream", "Tokens"}
"""What loads LiteLLM or FastMCP, and is waited for."""


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


def test_the_bus_is_named_after_the_stack_and_told():
    """For the rules of others."""
    assert of_type("AWS::Events::EventBus")["EventBus"]["Name"] == {"Ref": "AWS::StackName"}
    assert MADE["Outputs"]["EventBusName"]["Value"] == {"Ref": "EventBus"}
    assert MADE["Outputs"]["EventBusArn"]["Value"] == {"Fn::GetAtt": ["EventBus", "Arn"]}


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
