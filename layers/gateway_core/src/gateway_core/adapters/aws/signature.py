"""AWS's Signature Version 4. Pure.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html; held against botocore's and
AWS's own examples by `tests/unit/test_aws_signature.py`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who signs. Those of a role have a session token."""

    key_id: str
    secret: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for, on one day."""

    region: str
    service: str


def signed(
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    scope: Scope,
    credentials: Credentials,
    at: datetime,
    *,
    method: str = "POST",
    query: str = "",
) -> dict[str, str]:
    """`headers` and those that sign them.

    Names are in lower case, `host` is among them, values have no white space but single spaces inside; `path` is as it
    is sent and has nothing to be encoded; `query` is as `query_text` makes it. `at` is in UTC.
    """
    moment = f"{at:%Y%m%dT%H%M%SZ}"
    sent = {**headers, "x-amz-date": moment}
    if credentials.token:
        sent["x-amz-security-token"] = credentials.token
    names = ";".join(sorted(sent))
    lines = [f"{name}:{sent[name]}" for name in sorted(sent)]
    request = "\n".join([method, path, query, *lines, "", names, hashlib.sha256(body).hexdigest()])
    where = f"{moment[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join([_ALGORITHM, moment, where, hashlib.sha256(request.encode()).hexdigest()])
    signature = hmac.digest(_key(credentials.secret, where), text.encode(), "sha256").hex()
    authorization = (
        f"{_ALGORITHM} Credential={credentials.key_id}/{where}, SignedHeaders={names}, Signature={signature}"
    )
    return {**sent, "authorization": authorization}


def query_text(query: Mapping[str, str]) -> str:
    """A query as it is signed and sent."""
    return "&".join(f"{name}={value}" for name, value in sorted((_quoted(*each)) for each in query.items()))


def _quoted(name: str, value: str) -> tuple[str, str]:
    return quote(name, safe=_UNRESERVED), quote(value, safe=_UNRESERVED)


def _key(secret: str, where: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in where.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
