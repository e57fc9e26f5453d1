"""A look at a new version before anybody is sent to it, as CodeDeploy's hook before traffic is shifted, see ADR 30.

Each function is asked by an event of its own kind. Those with a route get a request with a key that nobody has: its 401
proves that the version starts, has its secrets and its configuration, reaches the store and answers as its route has it
(of Admin a 403, as the request has no signature). No model is asked and nothing is booked. The others get an event that
is none of theirs, which proves that they start.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from gateway_core.invocation import FunctionUnavailable, HttpRequest, proxy_event, read_answer
from gateway_core.ports.release import Release
from gateway_core.triggers.foreign import IGNORED

type Handler = Callable[[Any, Any], dict[str, Any]]

_log = logging.getLogger(__name__)

ROUTES = {
    "Complete": ("POST", "/v1/complete"),
    "Stream": ("POST", "/v1/stream"),
    "Ask": ("POST", "/ask"),
    "Embed": ("POST", "/v1/embeddings"),
    "Tokens": ("POST", "/v1/tokens"),
    "Usage": ("GET", "/v1/usage"),
    "Models": ("GET", "/v1/models"),
    "Mcp": ("POST", "/mcp"),
    "Admin": ("GET", "/admin/keys"),
    "Health": ("GET", "/health"),
}
"""By the function's logical id in template.yaml."""
_REFUSED = (HTTPStatus.UNAUTHORIZED, "unauthenticated")
_WANTED = {
    "Health": {(HTTPStatus.OK, "")},
    "Admin": {(HTTPStatus.FORBIDDEN, "forbidden")},
    # The latter where AllowedHosts lists its names.
    "Mcp": {_REFUSED, (HTTPStatus.MISDIRECTED_REQUEST, "wrong_host")},
}
_HOST = "preflight.example"
_HEADERS = {
    "host": _HOST,
    "authorization": "Bearer gk_preflight_nobody",
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
}
_UNASKED = "JobWorker"
"""Lambda lets nobody wait for a durable function whose executions may take more than 15 minutes."""
_OTHER: Mapping[str, Any] = {"source": "preflight"}
_NAMED = re.compile(r"-([A-Za-z]+)-[A-Za-z0-9]+$")
"""CloudFormation's name of a function: the stack's, the logical id, and what makes it unique."""


def preflight(release: Release) -> Handler:
    """A Lambda handler of CodeDeploy's events. Whatever goes wrong, the deployment hears of it and does not wait."""

    def handle(event: Any, _context: Any) -> dict[str, Any]:
        if not isinstance(event, dict) or "DeploymentId" not in event:
            return IGNORED
        fault = _fault(release, event["DeploymentId"])
        _log.log(logging.ERROR if fault else logging.INFO, "preflight: %s", fault or "passed")
        release.report(event["DeploymentId"], event["LifecycleEventHookExecutionId"], passed=not fault)
        return {"passed": not fault, "fault": fault}

    return handle


def event_for(function: str) -> Mapping[str, Any]:
    """What a function is asked, by its physical name."""
    if route := ROUTES.get(_logical(function)):
        method, path = route
        event = proxy_event(HttpRequest(method, path, headers=_HEADERS, body=b"{}" if method == "POST" else b""))
        return {**event, "requestContext": {**event["requestContext"], "domainName": _HOST}}
    return _OTHER


def fault_of(function: str, payload: bytes) -> str:
    """What is wrong with an answer; empty if nothing is. It quotes nothing of the answer but its status."""
    name = _logical(function)
    if name not in ROUTES:
        return "" if json.loads(payload) == IGNORED else "another answer than to an event that is none of its own"
    answer, wanted = read_answer(payload), _WANTED.get(name, {_REFUSED})
    if answer.status not in {status for status, _code in wanted}:
        return f"HTTP {answer.status}, not {' or '.join(str(status.value) for status, _code in wanted)}"
    told = json.loads(answer.body).get("error") or {}
    return "" if (answer.status, told.get("code", "")) in wanted else "an answer in another form"


def _fault(release: Release, deployment_id: str) -> str:
    where = "the deployment"
    try:
        version = release.version(deployment_id)
        where = f"version {version.number} of {version.function}"
        if _logical(version.function) == _UNASKED:
            return ""
        fault = fault_of(version.function, release.ask(version, event_for(version.function)))
    except FunctionUnavailable as error:
        fault = error.detail
    except Exception as error:  # noqa: BLE001 - a hook that fails without a word holds the deployment for an hour
        fault = type(error).__name__
    return f"{where}: {fault}" if fault else ""


def _logical(function: str) -> str:
    found = _NAMED.search(function)
    return found[1] if found else ""
