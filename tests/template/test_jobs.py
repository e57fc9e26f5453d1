"""What jobs take of AWS: what they may do, what stays of them, and that nothing of it is there with Jobs=off."""

import json
from fnmatch import fnmatch
from typing import Any

import pytest

from gateway_core.adapters.s3_job_files import _input_key, _log_prefix
from gateway_core.store.jobs import JOB_LIFE_S, LATE_MS, MOST_JOB_S, JobName
from gateway_core.triggers.durable import LEAST_PAUSE_S
from scripts.resolved_template import NOTHING, PSEUDO
from scripts.transform_template import transform
from tests.template.test_config_source import DEFAULTS, resolve
from tests.template.test_template import ROOT, TEMPLATE
from tests.template.transformed import MADE, RESOURCES, of_type, parameters_in, statements, walk

JOBS = {
    "JobAlarm",
    "JobDeadLetters",
    "JobFiles",
    "JobFilesPolicy",
    "JobFilesReader",
    "JobStarter",
    "JobWorker",
    "JobWorkerAliaslive",
    "JobWorkerDeploymentGroup",
    "JobWorkerRole",
}
OPERATIONS = 3000
"""Of an execution; AWS's documentation of the metric DurableExecutionOperations."""
BUCKET = {"Fn::GetAtt": ["JobFiles", "Arn"]}
OFF: dict[str, Any] = {**PSEUDO, **DEFAULTS, "Jobs": "off"}


def conditional() -> dict[str, Any]:
    """All that is there only with jobs, and in prod."""
    only = {"HasJobs", "IsProdWithJobs"}
    return {name: resource for name, resource in RESOURCES.items() if resource.get("Condition") in only}


def named(value: Any) -> set[str]:
    """The resources that a value refers to."""
    found = set()
    for inner in walk(value):
        match inner:
            case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), *_]}:
                found.add(name)
            case {"Fn::Sub": str(text) | [str(text), *_]}:
                found |= {name for name in RESOURCES if f"${{{name}}}" in text or f"${{{name}." in text}
    return found & set(RESOURCES)


def without_branches(value: Any) -> Any:
    """A value as it is with Jobs=off; other conditions stay as they are."""
    match value:
        case {"Fn::If": ["HasJobs", _, other]}:
            return NOTHING if other == {"Ref": "AWS::NoValue"} else without_branches(other)
        case dict():
            return {name: made for name, inner in value.items() if (made := without_branches(inner)) is not NOTHING}
        case list():
            return [made for inner in value if (made := without_branches(inner)) is not NOTHING]
    return value


def test_off_leaves_nothing():
    """No function, bucket, queue, alarm, role or layer; a version has the hash of its content in its name."""
    named_so = {name for name in conditional() if not name.startswith(("JobWorkerVersion", "JobsLayer"))}
    assert named_so == JOBS
    assert len(conditional()) == len(JOBS) + 3  # the version, its alarm, the layer
    assert resolve(MADE["Conditions"]["HasJobs"], OFF) is False
    assert resolve(MADE["Conditions"]["HasJobs"], {**OFF, "Jobs": "on"}) is True
    assert TEMPLATE["Parameters"]["Jobs"]["Default"] == "on"


def test_off_leaves_no_reference_to_what_is_not_there():
    """CloudFormation refuses a template with one, and only when it is deployed."""
    left = {name: without_branches(resource) for name, resource in RESOURCES.items() if name not in conditional()}
    assert named(left) & set(conditional()) == set()
    outputs = {name for name, output in MADE["Outputs"].items() if named(output) & set(conditional())}
    assert {name for name in outputs if MADE["Outputs"][name].get("Condition") != "HasJobs"} == set()


def test_off_tells_ask_of_no_bucket_and_no_function():
    """Empty counts as unset: it answers that there are no jobs here. It loses its rights and the layer as well."""
    ask, role = without_branches(RESOURCES["Ask"]["Properties"]), without_branches(RESOURCES["AskRole"]["Properties"])
    environ = ask["Environment"]["Variables"]
    assert (environ["GATEWAY_FUNCTION_JOBS"], environ["GATEWAY_JOBS_BUCKET"]) == ("", "")
    assert "Jobs" not in str(ask["Layers"])
    assert "Job" not in str(role)
    assert "Jobs" in parameters_in(RESOURCES["Ask"]["Properties"])


def test_the_transform_is_the_same_whichever_is_chosen():
    """SAM leaves the choice to CloudFormation: what the tests and the linter look at is both."""
    made = transform({"Jobs": "off"})
    assert made.keys() == MADE.keys()
    assert set(made["Resources"]) == set(RESOURCES)


def test_ask_may_write_questions_and_the_worker_answers():
    """And both may read and drop the questions, of this bucket and no other; no answer may be deleted."""
    allowed = [
        (name, statement["Action"], statement["Resource"])
        for name, statement in statements()
        if "s3:" in str(statement["Action"]) and "ConfigSource" not in str(statement)
    ]
    assert sorted(allowed, key=str) == sorted(
        [
            ("JobFilesReader", "s3:GetObject", {"Fn::Sub": "${JobFiles.Arn}/*"}),
            ("JobFilesReader", "s3:ListBucket", BUCKET),
            ("JobStarter", ["s3:PutObject", "s3:DeleteObject"], {"Fn::Sub": "${JobFiles.Arn}/*/input"}),
            ("JobWorkerRole", "s3:DeleteObject", {"Fn::Sub": "${JobFiles.Arn}/*/input"}),
            ("JobWorkerRole", "s3:PutObject", {"Fn::Sub": "${JobFiles.Arn}/*/log/*"}),
        ],
        key=str,
    )
    holders = {
        name
        for name, role in of_type("AWS::IAM::Role").items()
        if "JobFilesReader" in str(role.get("ManagedPolicyArns"))
    }
    assert holders == {"AskRole", "JobWorkerRole"}


def test_the_rights_are_about_the_names_that_the_objects_have():
    """A wildcard of IAM also stands for slashes, as one of fnmatch does."""
    name = JobName("alpha", "0" * 32)
    assert fnmatch(_input_key(name), "*/input")
    assert not fnmatch(_input_key(name), "*/log/*")
    assert fnmatch(f"{_log_prefix(name)}000000-0001", "*/log/*")
    assert not fnmatch(f"{_log_prefix(name)}000000-0001", "*/input")


def test_the_engines_own_rights_are_awss_policy():
    """SAM adds it to a durable function; other functions have the one for logs alone."""
    policy = "service-role/AWSLambdaBasicDurableExecutionRolePolicy"
    roles = of_type("AWS::IAM::Role")
    assert {name for name, role in roles.items() if policy in str(role.get("ManagedPolicyArns"))} == {"JobWorkerRole"}


def test_the_bucket_is_private_encrypted_and_forgets():
    """After as long as a job can be looked up."""
    bucket = of_type("AWS::S3::Bucket")["JobFiles"]
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"] * 86_400) == ("Enabled", JOB_LIFE_S)
    assert "Prefix" not in rule
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "BucketName" not in bucket
    (statement,) = of_type("AWS::S3::BucketPolicy")["JobFilesPolicy"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Resource"] == [BUCKET, {"Fn::Sub": "${JobFiles.Arn}/*"}]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_bucket_does_not_hold_up_the_end_of_the_stack():
    """CloudFormation cannot delete one that is not empty."""
    assert (RESOURCES["JobFiles"]["DeletionPolicy"], RESOURCES["JobFiles"]["UpdateReplacePolicy"]) == ("Retain",) * 2
    assert MADE["Outputs"]["JobBucket"]["Value"] == {"Ref": "JobFiles"}


def test_an_execution_outlasts_its_job():
    """All waits included, and the versions that it may be on outlast deployments."""
    worker = RESOURCES["JobWorker"]["Properties"]
    assert worker["DurableConfig"] == {"ExecutionTimeout": MOST_JOB_S + LATE_MS // 1000, "RetentionPeriodInDays": 1}
    versions = {n: r for n, r in RESOURCES.items() if r["Type"] == "AWS::Lambda::Version"}
    (version,) = (r for name, r in versions.items() if name.startswith("JobWorkerVersion"))
    assert version["DeletionPolicy"] == "Retain"
    assert worker["SnapStart"] == {"ApplyOn": "None"}


def test_a_day_of_steps_is_within_what_the_engine_counts():
    """A step and a wait, one after the other, both ways in which a day may pass."""
    worker = RESOURCES["JobWorker"]["Properties"]
    assert 2 * MOST_JOB_S / LEAST_PAUSE_S < OPERATIONS
    assert worker["Timeout"] == 900


def test_the_worker_is_called_by_nobody_but_ask():
    """It has no route and no schedule, runs on Lambda's own runtime, and is called by the alias that is released."""
    worker = TEMPLATE["Resources"]["JobWorker"]["Properties"]
    assert "Events" not in worker
    assert "AWS_LAMBDA_EXEC_WRAPPER" not in worker["Environment"]["Variables"]
    environ = RESOURCES["Ask"]["Properties"]["Environment"]["Variables"]
    assert environ["GATEWAY_FUNCTION_JOBS"] == {"Fn::If": ["HasJobs", {"Ref": "JobWorkerAliaslive"}, ""]}
    granted = [p for p in of_type("AWS::Lambda::Permission").values() if "JobWorker" in str(p)]
    assert granted == []


def test_what_never_ends_is_kept_and_raises_an_alarm():
    """A start that was lost, an execution that failed, ran out of time or was stopped."""
    assert of_type("AWS::SQS::Queue")["JobDeadLetters"]["SqsManagedSseEnabled"] is True
    letters = RESOURCES["JobWorker"]["Properties"]["DeadLetterConfig"]
    assert letters == {"TargetArn": {"Fn::GetAtt": ["JobDeadLetters", "Arn"]}}
    alarm = of_type("AWS::CloudWatch::Alarm")["JobAlarm"]
    assert alarm["Dimensions"] == [{"Name": "QueueName", "Value": {"Fn::GetAtt": ["JobDeadLetters", "QueueName"]}}]


@pytest.mark.parametrize("chosen", ["on", "off"])
def test_the_dashboard_is_json_either_way(chosen):
    """With a name of a function, or with none."""
    text, names = MADE["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    known: dict[str, Any] = {**OFF, "Jobs": chosen, "JobWorker": "the-worker"}
    worker = resolve(names["Worker"], known)
    assert worker == {"on": "the-worker", "off": "none"}[chosen]
    widgets = json.loads(text.replace("${Worker}", worker))["widgets"]
    (jobs,) = (widget for widget in widgets if widget["properties"]["title"] == "Jobs")
    assert {line[3] for line in jobs["properties"]["metrics"]} == {worker}


def test_the_layer_has_all_services_that_are_called():
    """Its boto3 stands before the runtime's own, in `ask` as well."""
    services = (ROOT / "layers/jobs/Makefile").read_text().partition("SERVICES := ")[2].partition("\n")[0].split()
    assert services == ["appconfigdata", "events", "lambda", "s3", "secretsmanager", "sqs", "ssm", "sts"]
    assert [str(layer) for layer in RESOURCES["JobWorker"]["Properties"]["Layers"] if "Jobs" in str(layer)]
