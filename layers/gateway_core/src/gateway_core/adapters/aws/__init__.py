"""Calls of AWS that a start or a request waits for, without its SDK, which takes half a second of CPU to load.

`signature` signs (pure), `account` says who calls and where, `service` calls. What nobody waits for is left to boto3.
"""

from gateway_core.adapters.aws.account import Account, Service
from gateway_core.adapters.aws.errors import AwsError
from gateway_core.adapters.aws.service import JsonCalls, Timeouts

__all__ = ["Account", "AwsError", "JsonCalls", "Service", "Timeouts"]
