"""What all programs share: where the gateway is, and how a test tells them what to do.

They run in an environment of their own, `requirements/clients.txt`, which is neither the gateway's nor the tests'.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

URL = f"{os.environ.get('GATEWAY_URL', '')}/v1"
KEY = os.environ.get("GATEWAY_KEY", "")

type Task = Callable[..., Any]


def serve(*tasks: Task) -> None:
    """For each line `{"do": task, "with": its arguments}` one line: `{"result": ...}` or `{"error": ...}`."""
    known = {task.__name__: task for task in tasks}
    # What a framework prints is not an answer.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        asked = json.loads(line)
        answers.write(json.dumps(_outcome(known[asked["do"]], asked["with"])) + "\n")
        answers.flush()


def _outcome(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"result": task(**arguments)}
    except Exception as error:  # noqa: BLE001 - the test is to see whatever a framework throws
        return {"error": told(error)}


def told(error: BaseException) -> dict[str, Any]:
    """What a test wants to know of an exception."""
    status = getattr(error, "status_code", None)
    return {"name": type(error).__name__, "status": status, "message": str(error)}
