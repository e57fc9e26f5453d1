"""Which rights a call takes, by AWS's own words: its Service Authorization Reference and what its guides add."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from tests.template.aws_calls import Call
from tests.template.deployed import ACCOUNT, REGION, Deployed
from tests.template.iam import Asked

_AT = f"{REGION}:{ACCOUNT}"
_SUFFIX = "-AbCdEf"
"""Six characters of Secrets Manager's own behind a name."""

type Rights = Iterable[Asked]


def rights_of(call: Call, stack: Deployed) -> list[Asked]:
    """Raises KeyError for an operation that nobody has looked up."""
    return list(_RIGHTS[call.service, call.operation](call.arguments, stack))


def _parameters(asked: Mapping[str, Any], stack: Deployed) -> Iterator[Asked]:
    """The path and whatever is found below it; decrypted by the key, if that is not AWS's own."""
    path = asked["Path"]
    below = ("store/NAME", "providers/NAME") if asked["Recursive"] else ("NAME",)
    for name in (path, *(f"{path}/{one}" for one in below)):
        yield Asked("ssm:GetParametersByPath", f"arn:aws:ssm:{_AT}:parameter{name}")
    yield from _decrypts(stack, "SecretsKeyArn")


def _secret(asked: Mapping[str, Any], stack: Deployed) -> Iterator[Asked]:
    yield Asked("secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{_AT}:secret:{asked['SecretId']}{_SUFFIX}")
    yield from _decrypts(stack, "SecretsKeyArn")


def _decrypts(stack: Deployed, parameter: str) -> Iterator[Asked]:
    if key := stack.parameters.get(parameter):
        yield Asked("kms:Decrypt", key)


def _get_object(asked: Mapping[str, Any], stack: Deployed) -> Iterator[Asked]:
    """Without ListBucket S3 says 403 of an object that is missing; of the configuration that is an error anyway."""
    yield Asked("s3:GetObject", f"arn:aws:s3:::{asked['Bucket']}/{asked['Key']}")
    if asked["Bucket"] != stack.names.get("JobFiles"):
        yield from _decrypts(stack, "ConfigKeyArn")


def _object(action: str) -> Callable[[Mapping[str, Any], Deployed], Rights]:
    return lambda asked, _: [Asked(action, f"arn:aws:s3:::{asked['Bucket']}/{asked['Key']}")]


def _profile(action: str) -> Callable[[Mapping[str, Any], Deployed], Rights]:
    """Later calls of a session have but its token, and take the right to the same profile."""

    def rights(_: Mapping[str, Any], stack: Deployed) -> Iterator[Asked]:
        application, environment, profile = stack.parameters["ConfigSource"].partition("://")[2].split("/")
        at = f"application/{application}/environment/{environment}/configuration/{profile}"
        yield Asked(f"appconfig:{action}", f"arn:aws:appconfig:{_AT}:{at}")
        yield from _decrypts(stack, "ConfigKeyArn")

    return rights


def _queue(action: str, member: str) -> Callable[[Mapping[str, Any], Deployed], Rights]:
    return lambda asked, _: [Asked(f"sqs:{action}", f"arn:aws:sqs:{_AT}:{asked[member].rpartition('/')[2]}")]


def _move(asked: Mapping[str, Any], stack: Deployed) -> Iterator[Asked]:
    """It receives, deletes and sends in the caller's name."""
    for action in ("StartMessageMoveTask", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
        yield Asked(f"sqs:{action}", asked["SourceArn"])
    yield Asked("sqs:SendMessage", stack.arn("Backlog"))


def _invoke(asked: Mapping[str, Any], _: Deployed) -> Iterator[Asked]:
    """By a name or an ARN, and a version; streaming takes the same right."""
    named = asked["FunctionName"]
    arn = named if named.startswith("arn:") else f"arn:aws:lambda:{_AT}:function:{named}"
    yield Asked("lambda:InvokeFunction", f"{arn}:{asked['Qualifier']}" if "Qualifier" in asked else arn)


def _deployment(action: str) -> Callable[[Mapping[str, Any], Deployed], Rights]:
    def rights(_: Mapping[str, Any], stack: Deployed) -> Iterator[Asked]:
        application = stack.names["ServerlessDeploymentApplication"]
        yield Asked(f"codedeploy:{action}", f"arn:aws:codedeploy:{_AT}:deploymentgroup:{application}/a-group")

    return rights


_RIGHTS: Mapping[tuple[str, str], Callable[[Mapping[str, Any], Deployed], Rights]] = {
    ("appconfigdata", "GetLatestConfiguration"): _profile("GetLatestConfiguration"),
    ("appconfigdata", "StartConfigurationSession"): _profile("StartConfigurationSession"),
    ("codedeploy", "GetDeployment"): _deployment("GetDeployment"),
    ("codedeploy", "PutLifecycleEventHookExecutionStatus"): _deployment("PutLifecycleEventHookExecutionStatus"),
    ("events", "PutEvents"): lambda asked, stack: [
        Asked("events:PutEvents", f"arn:aws:events:{_AT}:event-bus/{entry['EventBusName']}")
        for entry in asked["Entries"]
    ],
    ("lambda", "Invoke"): _invoke,
    ("lambda", "InvokeWithResponseStream"): _invoke,
    ("s3", "DeleteObject"): _object("s3:DeleteObject"),
    ("s3", "GetObject"): _get_object,
    ("s3", "ListObjectsV2"): lambda asked, _: [Asked("s3:ListBucket", f"arn:aws:s3:::{asked['Bucket']}")],
    ("s3", "PutObject"): _object("s3:PutObject"),
    ("secretsmanager", "GetSecretValue"): _secret,
    ("sqs", "GetQueueAttributes"): _queue("GetQueueAttributes", "QueueUrl"),
    ("sqs", "GetQueueUrl"): _queue("GetQueueUrl", "QueueName"),
    ("sqs", "SendMessage"): _queue("SendMessage", "QueueUrl"),
    ("sqs", "StartMessageMoveTask"): _move,
    ("ssm", "GetParametersByPath"): _parameters,
}
LOOKED_UP = frozenset(_RIGHTS)


def rights_of_lambda(function: str, stack: Deployed) -> Iterator[Asked]:
    """What Lambda does in the name of the function's role: it takes messages, and puts away what failed for good."""
    for one in stack.resources.values():
        properties = one.get("Properties", {})
        named = str(properties.get("FunctionName", ""))
        match one["Type"]:
            case "AWS::Lambda::EventSourceMapping" if f":{stack.names[function]}:" in named:
                for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
                    yield Asked(f"sqs:{action}", properties["EventSourceArn"])
            case "AWS::Lambda::EventInvokeConfig" if named == stack.names[function]:
                yield Asked("sqs:SendMessage", properties["DestinationConfig"]["OnFailure"]["Destination"])
    if letters := stack.functions[function].get("DeadLetterConfig"):
        yield Asked("sqs:SendMessage", letters["TargetArn"])
    yield Asked("logs:PutLogEvents", "the log")
    yield Asked("xray:PutTraceSegments", "any")


LISTS_MODELS = Asked("bedrock:ListFoundationModels", "*")
"""It is about no resource."""


def rights_of_bedrock(region: str) -> Iterator[Asked]:
    """Converse and ConverseStream take these; a profile may send a call to another region of its geography."""
    for action in ("InvokeModel", "InvokeModelWithResponseStream"):
        for place in (region, "eu-west-3"):
            yield Asked(f"bedrock:{action}", f"arn:aws:bedrock:{place}::foundation-model/amazon.nova-lite-v1:0")
        for kind in ("inference-profile", "application-inference-profile"):
            yield Asked(f"bedrock:{action}", f"arn:aws:bedrock:{region}:{ACCOUNT}:{kind}/eu.amazon.nova-lite-v1:0")
