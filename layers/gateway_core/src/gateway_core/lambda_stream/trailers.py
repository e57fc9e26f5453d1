"""How a streamed answer says that it was cut: two trailers behind its last chunk (Lambda's custom runtime guide)."""

from __future__ import annotations

import base64
import json

from gateway_core.lambda_stream.failure import error_type

_TYPE = "Lambda-Runtime-Function-Error-Type"
_BODY = "Lambda-Runtime-Function-Error-Body"
DECLARED = f"{_TYPE}, {_BODY}"


def encode(error: BaseException) -> bytes:
    """Both trailer lines, well below the 4 KB above which the Runtime API breaks off.

    They name the error's class only: its text may quote a prompt, and its trace is in the log.
    """
    name = error_type(error)
    detail = {"errorType": name, "errorMessage": "The answer was cut. The function's log has the cause."}
    body = base64.b64encode(json.dumps(detail).encode()).decode()
    return f"{_TYPE}: {name}\r\n{_BODY}: {body}\r\n".encode()
