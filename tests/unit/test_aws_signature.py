"""Signatures, as AWS publishes some and botocore makes any."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SdkCredentials
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.adapters.aws.signature import Credentials, Scope, query_text, signed

EXAMPLE = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
AT = datetime(2015, 8, 30, 12, 36, 0, tzinfo=UTC)
SCOPE = Scope("us-east-1", "service")
HOST = {"host": "example.amazonaws.com"}
FORM = {**HOST, "content-type": "application/x-www-form-urlencoded"}
TEXTS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@pytest.mark.parametrize(
    ("headers", "body", "signature"),
    [
        (HOST, b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            {**HOST, "my-header1": "VALUE1"},
            b"",
            "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
        ),
        (FORM, b"Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ],
    ids=["post-vanilla", "post-header-key-sort", "post-x-www-form-urlencoded"],
)
def test_the_examples_of_aws(headers, body, signature):
    """Of its test suite for signers, version 4."""
    found = signed("/", headers, body, SCOPE, EXAMPLE, AT)
    names = ";".join(sorted([*headers, "x-amz-date"]))
    scope = "AKIDEXAMPLE/20150830/us-east-1/service/aws4_request"
    assert found == {
        **headers,
        "x-amz-date": "20150830T123600Z",
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders={names}, Signature={signature}",
    }


@given(
    body=st.binary(max_size=300),
    target=TEXTS,
    path=st.sampled_from(["/", "/stack", "/a/b-c_d.e~f"]),
    query=st.dictionaries(st.text(max_size=9), st.text(max_size=9), max_size=4),
    method=st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
    key=st.tuples(TEXTS, TEXTS, st.none() | TEXTS),
    scope=st.builds(Scope, st.sampled_from(["eu-central-1", "us-gov-west-1"]), st.sampled_from(["ssm", "events"])),
)
def test_they_are_those_of_botocore(body, target, path, query, method, key, scope):
    """Whatever is sent, by whomever, with and without a session."""
    headers = {"host": "ssm.eu-central-1.amazonaws.com", "content-type": "application/x-amz-json-1.1"}
    headers["x-amz-target"] = target
    asked = query_text(query)
    url = f"https://{headers['host']}{path}{'?' if asked else ''}{asked}"
    request = AWSRequest(method, url, headers=dict(headers), data=body)
    SigV4Auth(SdkCredentials(*key), scope.service, scope.region).add_auth(request)
    at = datetime.strptime(request.context["timestamp"], SIGV4_TIMESTAMP).replace(tzinfo=UTC)
    found = signed(path, headers, body, scope, Credentials(*key), at, method=method, query=asked)
    assert found == {name.lower(): value for name, value in request.headers.items()}


def test_credentials_do_not_show_themselves():
    """Not even where an error prints its frame."""
    assert repr(Credentials("AKID", "hidden", "also hidden")) == "Credentials(key_id='AKID')"
