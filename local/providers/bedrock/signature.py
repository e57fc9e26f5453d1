"""Checks signatures of requests (AWS Signature Version 4), apart from the code of the gateway that makes them.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from urllib.parse import quote

from local.providers.model import Refused, Request

SECRET = "simulated-secret"  # noqa: S105 - nothing that anybody keeps
"""What signs here, under any key id."""
_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<id>[^/]+)/(?P<scope>\d{8}/[a-z0-9-]+/bedrock/aws4_request), ?"
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
_NEEDED = frozenset({"host", "x-amz-date"})


def check_signature(request: Request, path: str) -> None:
    """`path` is as it came, still encoded. Raises Refused."""
    found = _FORM.fullmatch(request.headers.get("authorization", ""))
    date = request.headers.get("x-amz-date", "")
    if not found or not {*found["names"].split(";")} >= _NEEDED or not date.startswith(found["scope"][:8]):
        raise Refused(None, kind="no_signature")
    if not hmac.compare_digest(_signature(request, path, found, date), found["signature"]):
        raise Refused(None, kind="bad_signature")


def _signature(request: Request, path: str, found: re.Match[str], date: str) -> str:
    headers = "".join(
        f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in found["names"].split(";")
    )
    body = hashlib.sha256(request.content).hexdigest()
    canonical = f"{request.method}\n{quote(path, safe='/~')}\n\n{headers}\n{found['names']}\n{body}"
    text = f"AWS4-HMAC-SHA256\n{date}\n{found['scope']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4" + SECRET.encode()
    for part in (*found["scope"].split("/"), text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()
