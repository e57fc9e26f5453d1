"""What a client reads when a call fails: `code: reason. next step`, never a trace, a value or a provider's words. Pure.

The reasons are the functions' own messages, which are made for callers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from gateway_core.domain.chat import Json
from gateway_core.domain.errors import LLMError
from gateway_core.invocation import HttpAnswer

_UNREADABLE = "The gateway failed."
_NEXT_STEPS: Mapping[str, str] = {
    "invalid_request": "Correct the arguments and call again.",
    "unauthenticated": "Connect again with a valid key.",
    "budget_exceeded": "See get_usage; wait for the next period or ask for a larger budget.",
    "forbidden": "Use what the key allows, or ask for a key with more rights.",
    "unknown_model": "Call list_models for the names.",
    "unknown_job": "Give the id that litellm_batch_ask answered with.",
    "body_too_large": "Send less, for example smaller images.",
    "context_length_exceeded": "Shorten the messages, or set require to ['long_context'].",
    "content_filtered": "Change the messages.",
    "provider_error": "Try again, or name a model_group so that another model can answer.",
    "no_deployment_available": "Call health_check to see which providers are down.",
    "deadline_exceeded": "Raise timeout_s or lower max_tokens.",
    "shutting_down": "Send it again.",
    "function_unavailable": "If it goes on, report it to the gateway's operator.",
}
_LAST_STEP = "Report it to the gateway's operator."


def describe(code: str, reason: str, *, retry_after_s: float | None = None, request_id: str = "") -> str:
    """One line. A wait is in whole seconds, rounded up; `request_id` shows where only the operator can help."""
    sentence = reason if reason.endswith((".", "!", "?")) else f"{reason}."
    wait = "" if retry_after_s is None else f"{max(1, math.ceil(retry_after_s))} s."
    if wait:
        sentence = sentence.removesuffix(f" Try again in {wait}")
    steps = [f"Retry after {wait}"] if wait else []
    if code in _NEXT_STEPS or not steps:
        steps.append(_NEXT_STEPS.get(code, _LAST_STEP))
    if code == "internal_error" and request_id:
        steps.append(f"Quote {request_id}.")
    return f"{code}: {sentence} {' '.join(step for step in steps if step not in sentence)}".rstrip()


def describe_error(error: LLMError, request_id: str) -> str:
    """An error of the front itself."""
    return describe(error.code, error.message, retry_after_s=error.retry_after_s, request_id=request_id)


def describe_answer(answer: HttpAnswer) -> str:
    """A function's error answer. What is not in the gateway's shape is told of without being quoted."""
    fields = _error_fields(answer)
    wait = answer.headers.get("retry-after", "")
    return describe(
        str(fields.get("code") or "internal_error"),
        str(fields.get("message") or _UNREADABLE),
        retry_after_s=float(wait) if wait.isdecimal() else None,
        request_id=str(fields.get("request_id") or ""),
    )


def describe_broken(event: Json) -> str:
    """A stream's `error` event, with what it had used until it broke."""
    found = event.get("error")
    fields = found if isinstance(found, dict) else {}
    code, reason = str(fields.get("code") or "internal_error"), str(fields.get("message") or _UNREADABLE)
    text = describe(code, reason, request_id=str(fields.get("request_id") or ""))
    usage, cost = fields.get("usage"), fields.get("cost")
    if not (isinstance(usage, dict) and isinstance(cost, dict)):
        return text
    about = "about " if usage.get("estimated") else ""
    used = f"{about}{usage['total_tokens']} tokens, {cost['total_usd']} USD"
    return f"{text} The answer is incomplete; used so far: {used}."


def _error_fields(answer: HttpAnswer) -> Json:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}
