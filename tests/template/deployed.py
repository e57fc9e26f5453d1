"""The stack as it would be in an account: parameters decided, and every resource with a name as AWS gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from scripts.parameter_choices import KEY
from scripts.resolved_template import PSEUDO, Values, defaults_of, resolved
from tests.template.iam import Statement, statements_of
from tests.template.transformed import MADE

ACCOUNT, REGION, STACK = PSEUDO["AWS::AccountId"], PSEUDO["AWS::Region"], PSEUDO["AWS::StackName"]
SETS: Mapping[str, Mapping[str, str]] = {
    "ssm": {},
    "ssm, key of ours": {"SecretsKeyArn": KEY},
    "secretsmanager, key of ours": {"SecretsIn": "secretsmanager", "SecretsKeyArn": KEY},
    "s3": {"ConfigSource": "s3://the-config/llm/config.yaml"},
    "s3, key of ours": {"ConfigSource": "s3://the-config/llm/config.yaml", "ConfigKeyArn": KEY},
    "appconfig": {"ConfigSource": "appconfig://abc1234/def5678/gh90123"},
    "appconfig, key of ours": {"ConfigSource": "appconfig://abc1234/def5678/gh90123", "ConfigKeyArn": KEY},
    "no jobs": {"Jobs": "off"},
    "bedrock": {"Bedrock": "on"},
    "prod": {"Stage": "prod", "SecretsPath": "/of/ours"},
}
"""Parameters that change what is called, or what may be."""
_EVERYTHING = "*"
MANAGED: Mapping[str, tuple[str, ...]] = {
    "AWSLambdaBasicExecutionRole": ("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
    "AWSXrayWriteOnlyAccess": (
        "xray:PutTraceSegments",
        "xray:PutTelemetryRecords",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:GetSamplingStatisticSummaries",
    ),
    "AWSLambdaBasicDurableExecutionRolePolicy": (
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "lambda:CheckpointDurableExecution",
        "lambda:GetDurableExecutionState",
    ),
}
"""What AWS's own policies allow on everything, as its documentation lists it."""


@dataclass(frozen=True)
class Deployed:
    """The stack with these parameters."""

    parameters: Mapping[str, str]

    @cached_property
    def resources(self) -> Mapping[str, Any]:
        """What there is, with names instead of references."""
        there = resolved(MADE, self.parameters)["Resources"]
        known = {**PSEUDO, **defaults_of(MADE), **self.parameters, **_names(there)}
        # Twice: a name may have others' names in it.
        values = Values({}, {**known, **_names(Values({}, known).of(there))})
        made: Mapping[str, Any] = values.of(there)
        return made

    @cached_property
    def names(self) -> Mapping[str, str]:
        """What Ref and GetAtt give, by what they are asked."""
        return _names(self.resources)

    def arn(self, resource: str) -> str:
        """Of a resource that has one."""
        return self.names[f"{resource}.Arn"]

    @cached_property
    def functions(self) -> Mapping[str, Any]:
        """Their properties."""
        return {name: one["Properties"] for name, one in self.resources.items() if _is(one, "Lambda::Function")}

    def environ(self, function: str) -> Mapping[str, str]:
        """What the function starts with; Lambda's own names included, as far as they matter."""
        own: Mapping[str, str] = self.functions[function]["Environment"]["Variables"]
        return {**own, "AWS_LAMBDA_FUNCTION_NAME": function, "AWS_REGION": REGION}

    @cached_property
    def _policies(self) -> Mapping[str, Any]:
        return {_arn(name): one for name, one in self.resources.items() if _is(one, "IAM::ManagedPolicy")}

    def own(self, role: str) -> list[Statement]:
        """What the stack's policies say of a role."""
        properties = self.resources[role]["Properties"]
        attached = [arn for arn in properties.get("ManagedPolicyArns", []) if f":{ACCOUNT}:" in arn]
        documents = [self._policies[arn]["Properties"]["PolicyDocument"] for arn in attached]
        documents += [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        return [statement for document in documents for statement in statements_of(document)]

    def managed(self, role: str) -> set[str]:
        """The names of AWS's policies that a role has."""
        arns = self.resources[role]["Properties"].get("ManagedPolicyArns", [])
        return {arn.rpartition("/")[2] for arn in arns if ":aws:policy/" in arn}

    def all_of(self, role: str) -> list[Statement]:
        """What anything says of a role."""
        given = [Statement("Allow", MANAGED[name], (_EVERYTHING,)) for name in sorted(self.managed(role))]
        return self.own(role) + given

    @cached_property
    def rights(self) -> Mapping[str, list[Statement]]:
        """What anything says of the role of each function."""
        return {name: self.all_of(f"{name}Role") for name in self.functions}


@cache
def stack(chosen: str) -> Deployed:
    """With one of `SETS`, worked out once for all tests; nobody changes it."""
    return Deployed(SETS[chosen])


def _is(resource: Mapping[str, Any], kind: str) -> bool:
    return bool(resource["Type"] == f"AWS::{kind}")


def _arn(policy: str) -> str:
    return f"arn:aws:iam::{ACCOUNT}:policy/{STACK}-{policy}-1A2B3C"


def _names(resources: Mapping[str, Any]) -> dict[str, str]:
    """What Ref and GetAtt give of each resource."""
    found: dict[str, str] = {}
    for name, one in resources.items():
        kind, physical, at = one["Type"], f"{STACK}-{name}-1A2B3C", f"{REGION}:{ACCOUNT}"
        properties = one.get("Properties", {})
        match kind:
            case "AWS::Lambda::Function":
                physical = properties.get("FunctionName", physical)
                found |= {name: physical, f"{name}.Arn": f"arn:aws:lambda:{at}:function:{physical}"}
            case "AWS::Lambda::Alias":
                found[name] = f"arn:aws:lambda:{at}:function:{properties['FunctionName']}:live"
            case "AWS::Lambda::Version":
                found |= {name: f"arn:aws:lambda:{at}:function:x:1", f"{name}.Version": "1"}
            case "AWS::IAM::ManagedPolicy":
                found[name] = _arn(name)
            case "AWS::SQS::Queue":
                found |= {name: f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{physical}"}
                found |= {f"{name}.Arn": f"arn:aws:sqs:{at}:{physical}", f"{name}.QueueName": physical}
            case "AWS::S3::Bucket":
                found |= {name: physical.lower(), f"{name}.Arn": f"arn:aws:s3:::{physical.lower()}"}
            case "AWS::Events::EventBus":
                found |= {name: STACK, f"{name}.Arn": f"arn:aws:events:{at}:event-bus/{STACK}"}
            case "AWS::IAM::Role":
                found |= {name: physical, f"{name}.Arn": f"arn:aws:iam::{ACCOUNT}:role/{physical}"}
            case _:
                found[name] = physical
    return found
