"""What moto does not have of AWS, as far as the documents ask for it: an empty answer to what was understood."""

from __future__ import annotations

import re

_XML = "<{0}Response><{0}Result>{1}</{0}Result></{0}Response>"
_RESOURCE = (
    "<StackResourceDetail><PhysicalResourceId>llm-gateway-JobWorker-1</PhysicalResourceId></StackResourceDetail>"
)
_OTHERS = re.compile(r"^/(applications|account)\b|/durable-execution|/2\d{3}-\d\d-\d\d/durable")


def unknown_to_moto(service: str, path: str, body: str) -> bytes | None:
    """The answer to what moto cannot: CloudFormation's in XML, and `{}` of services that speak JSON."""
    if service == "cloudformation":
        action = re.findall(r"\bAction=(\w+)", body)[0]
        return _XML.format(action, _RESOURCE if action == "DescribeStackResource" else "").encode()
    if service in {"servicequotas", "appconfig", "apigateway"} or _OTHERS.search(path):
        return b"{}"
    return b'{"TaskHandle": "task"}' if '"SourceArn"' in body else None
