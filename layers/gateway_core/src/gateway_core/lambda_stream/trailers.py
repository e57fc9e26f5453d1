"""How a streamed answer says that it was cut: two trailers behind its last chunk (Lambda's custom runtime guide)."""

from __future__ import annotations

import base64
import json
import re

_TYPE = "Lambda-Runtime-Function-Error-Type"
_BODY = "Lambda-Runtime-Function-Error-Body"
DECLARED = f"{_TYPE}, {_BODY}"
_LONGEST_NAME = 100


def encode(error: BaseException) -> bytes:
    """Both trailer lines, well below the 4 KB above which the Runtime API breaks off.

    They name the error's class only: its text may quote a prompt, and its trace is in the log.
    """
    name = error_type(error)
    detail = {"errorType": name, "errorMessage": "The answer was cut. The function's log has the cause."}
    body = base64.b64encode(json.dumps(detail).encode()).decode()
    return f"{_TYPE}: {name}\r\n{_BODY}: {body}\r\n".encode()


def error_type(error: BaseException) -> str:
    """`Function.ClassName`: Lambda turns names of any other form into Runtime.Unknown."""
    return f"Function.{re.sub('[^A-Za-z]', '', type(error).__name__)[:_LONGEST_NAME] or 'Error'}"
