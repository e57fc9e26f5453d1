"""Errors as one line for a model to act on."""

import json

import pytest

from gateway_core.domain.errors import BudgetExceeded, RateLimited
from gateway_core.invocation import HttpAnswer
from gateway_core.mcp_front.report import describe, describe_answer, describe_error


def answer(status: int, error: object, **headers: str) -> HttpAnswer:
    """A function's error."""
    return HttpAnswer(status, headers, json.dumps({"error": error}).encode())


def test_code_reason_and_next_step():
    """In this order."""
    told = describe("budget_exceeded", "The day's budget of the project is spent.")
    assert told.startswith("budget_exceeded: The day's budget of the project is spent. See get_usage")


def test_a_wait_is_told_in_whole_seconds():
    """Rounded up, and never none."""
    assert "Retry after 7 s." in describe("rate_limited", "Too many requests.", retry_after_s=6.2)
    assert "Retry after 1 s." in describe_error(RateLimited("Busy.", retry_after_s=0.0), "req_1")


def test_a_step_that_the_reason_names_is_not_repeated():
    """The functions' messages often end in one."""
    reason = "There is no model 'x'. Call list_models for the names."
    assert describe("unknown_model", reason) == f"unknown_model: {reason}"
    reason = "The key's limit is reached. Try again in 60 s."
    told = describe("rate_limited", reason, retry_after_s=59.5)
    assert told == "rate_limited: The key's limit is reached. Retry after 60 s."


def test_a_sentence_is_ended():
    """The next step starts a new one."""
    assert describe("forbidden", "No").startswith("forbidden: No. Use")


def test_an_unknown_code_leads_to_the_operator():
    """With the request's id where it is the gateway's own fault."""
    assert describe("new_code", "Odd.") == "new_code: Odd. Report it to the gateway's operator."
    assert describe("internal_error", "It failed.", request_id="req_7").endswith("operator. Quote req_7.")


def test_an_error_of_the_front_is_told_alike():
    """Same form."""
    assert describe_error(BudgetExceeded("Spent."), "req_1").startswith("budget_exceeded: Spent. ")


def test_a_functions_error_is_told_with_its_wait():
    """From the body and Retry-After."""
    fields = {"code": "rate_limited", "message": "The key's limit is 5 a minute.", "request_id": "req_9"}
    told = describe_answer(answer(429, fields, **{"retry-after": "12"}))
    assert told == "rate_limited: The key's limit is 5 a minute. Retry after 12 s."


@pytest.mark.parametrize("body", [b"", b"<html>secret</html>", b"[]", b'{"message": "secret"}', b'{"error": "secret"}'])
def test_what_is_not_in_our_shape_is_not_quoted(body):
    """API Gateway's own errors, a proxy's page."""
    told = describe_answer(HttpAnswer(502, {"retry-after": "soon"}, body))
    assert told == "internal_error: The gateway failed. Report it to the gateway's operator."
