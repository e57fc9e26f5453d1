"""A deployment of CodeDeploy, and the version that it is about to send callers to."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

import yaml

from gateway_core.invocation import FunctionUnavailable
from gateway_core.ports.release import Version

_CONNECT_S, _READ_S = 5, 60
"""A cold start may take as long as an init that fails and is tried again."""


type Service = Literal["codedeploy", "lambda"]


def connect(service: Service) -> Any:
    """A client; what it asks may be asked twice."""
    import boto3  # noqa: PLC0415 - for AWS only
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(
        connect_timeout=_CONNECT_S, read_timeout=_READ_S, retries={"mode": "standard", "total_max_attempts": 3}
    )
    return boto3.session.Session().client(service, config=config)


class CodeDeployRelease:
    """Implements the port `Release`. A client takes most of a second of CPU, so each is made when it is needed."""

    def __init__(self, connect: Callable[[Service], Any] = connect) -> None:
        self._connect = connect

    def version(self, deployment_id: str) -> Version:
        """By the revision that CloudFormation wrote, an AppSpec with one function. Raises KeyError if it is none."""
        found = self._connect("codedeploy").get_deployment(deploymentId=deployment_id)
        revision = found["deploymentInfo"]["revision"]
        told = revision.get("string") or revision["appSpecContent"]
        (resource,) = yaml.safe_load(told["content"])["Resources"]
        (function,) = resource.values()
        return Version(function["Properties"]["Name"], str(function["Properties"]["TargetVersion"]))

    def ask(self, version: Version, event: Mapping[str, Any]) -> bytes:
        answer = self._connect("lambda").invoke(
            FunctionName=version.function, Qualifier=version.number, Payload=json.dumps(event).encode()
        )
        payload: bytes = answer["Payload"].read()
        if "FunctionError" in answer:
            raise FunctionUnavailable(_error_type(payload))
        return payload

    def report(self, deployment_id: str, execution_id: str, *, passed: bool) -> None:
        self._connect("codedeploy").put_lifecycle_event_hook_execution_status(
            deploymentId=deployment_id,
            lifecycleEventHookExecutionId=execution_id,
            status="Succeeded" if passed else "Failed",
        )


def _error_type(payload: bytes) -> str:
    """Its kind, such as Runtime.ImportModuleError; its text may quote a secret, and is in the function's own log."""
    try:
        return str(json.loads(payload)["errorType"])
    except (ValueError, KeyError, TypeError):
        return "Unhandled"
