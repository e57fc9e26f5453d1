"""What all of Bedrock's operations share: signatures, headers and errors.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html, "Errors" (2026-11-29).
"""

from __future__ import annotations

from typing import override
from urllib.parse import quote

from local.providers.bedrock.frames import exception, frame
from local.providers.bedrock.signature import check_signature
from local.providers.model import Failure, Prompt, Refused, Reply, Request, Stamp
from local.providers.wire import REJECTED_KEY, Wire, json_reply, whole_seconds

_ERRORS: dict[str, tuple[int, str, str]] = {
    "auth": (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "bad_json": (400, "SerializationException", "Unexpected token"),
    "bad_signature": (
        403,
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided.",
    ),
    "content_filter": (400, "ValidationException", "Output blocked by content filtering policy"),
    "context_length": (400, "ValidationException", "Input is too long for requested model."),
    "invalid": (400, "ValidationException", "Malformed input request, please reformat your input and try again."),
    "no_signature": (403, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    "not_found": (404, "ResourceNotFoundException", "This model version has reached the end of its life."),
    "rate_limit": (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "server_error": (500, "InternalServerException", "The system encountered an unexpected error during processing."),
    "unavailable": (503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
    "unknown_url": (404, "UnknownOperationException", "Not Found"),
}
"""Status, type and text of each failure."""
_IN_STREAMS = frozenset(
    {
        "InternalServerException",
        "ModelStreamErrorException",
        "ServiceUnavailableException",
        "ThrottlingException",
        "ValidationException",
    }
)


class BedrockWire(Wire):
    """Base of Bedrock's operations. Keys of Bedrock's own are taken as bearer tokens."""

    provider = "bedrock"
    stream_type = "application/vnd.amazon.eventstream"
    garbage = frame({":event-type": "contentBlockDelta", ":message-type": "event"}, b'{"broken')

    @override
    def check_credentials(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if REJECTED_KEY in given:
            raise Refused(None, kind="auth")
        if not given.startswith("Bearer "):
            check_signature(request, _sent_path(request))

    @override
    def headers(self, prompt: Prompt, stamp: Stamp) -> tuple[tuple[str, str], ...]:
        return (("x-amzn-requestid", _request_id(stamp.number)),)

    @override
    def failure(self, failure: Failure) -> Reply:
        status, kind, text = _ERRORS[failure.kind]
        headers = [("x-amzn-requestid", _request_id(failure.number)), ("x-amzn-errortype", f"{kind}:http://internal/")]
        if failure.retry_after is not None:
            headers.append(("retry-after", whole_seconds(failure.retry_after)))
        return json_reply(failure.status or status, {"message": failure.message or text}, tuple(headers))

    @override
    def in_band(self, failure: Failure) -> bytes:
        """A stream has few kinds of exceptions."""
        _, kind, text = _ERRORS[failure.kind]
        kind = kind if kind in _IN_STREAMS else "ModelStreamErrorException"
        return exception(kind[0].lower() + kind[1:], failure.message or text)


def _sent_path(request: Request) -> str:
    """The name of a model is one part of the path, whatever is in it."""
    model = request.params.get("model")
    if model is None:
        return request.path
    before, _, after = request.path.rpartition(model)
    return f"{before}{quote(model, safe='')}{after}"


def _request_id(number: int) -> str:
    found = Stamp(number, 0).hex(32, "request")
    return "-".join((found[:8], found[8:12], found[12:16], found[16:20], found[20:]))
