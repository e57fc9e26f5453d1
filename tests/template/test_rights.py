"""What anybody of the stack may do, as CloudFormation gets it."""

from tests.template.test_template import CALL_MODELS, FUNCTIONS
from tests.template.transformed import RESOURCES, of_type, statements

# Services of which a function may read what is its own.
READS = {"appconfig", "kms", "s3", "secretsmanager", "ssm"}


def test_rights_are_small():
    """No action on everything, no wildcard in an action, and none that lets a function change anything in AWS.

    A list of what AWS offers to everybody is of no resource: AWS knows no other word for that than everything.
    """
    seen = list(statements())
    assert seen
    for _, statement in seen:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert "*" not in "".join(actions)
        assert statement["Resource"] != "*" or actions == ["bedrock:ListFoundationModels"]
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
