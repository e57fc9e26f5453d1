"""What each failure is called on the wire, and what it means for breaker and retry: clients go by these words."""

import inspect

import pytest
from starlette.exceptions import HTTPException

from gateway_core.api.errors import error_response, http_error_response
from gateway_core.domain import errors, provider_errors
from gateway_core.domain.answer import Cost, Usage
from gateway_core.domain.errors import LLMError
from gateway_core.domain.provider_errors import ProviderError

SERVER, PROVIDER, CALLER = "server_error", "provider_error", "invalid_request_error"
TABLE = {
    "LLMError": (500, "internal_error", SERVER, False),
    "ProviderError": (502, "provider_error", PROVIDER, True),
    "RateLimitError": (429, "rate_limited", "rate_limit_error", True),
    "ProviderTimeout": (504, "timeout", PROVIDER, True),
    "ProviderUnavailable": (502, "provider_error", PROVIDER, True),
    "DeploymentUnusable": (502, "provider_error", PROVIDER, True),
    "ContextLengthError": (400, "context_length_exceeded", CALLER, False),
    "ContentFilterError": (400, "content_filtered", CALLER, False),
    "BadCredentials": (502, "bad_credentials", PROVIDER, True),
    "ProviderRejected": (400, "invalid_request", CALLER, False),
    "AddressRefused": (403, "forbidden", "permission_error", False),
    "RequestError": (400, "internal_error", CALLER, False),
    "InvalidRequest": (400, "invalid_request", CALLER, False),
    "UnknownModel": (404, "unknown_model", CALLER, False),
    "UnknownJob": (404, "unknown_job", CALLER, False),
    "UnknownResponse": (404, "unknown_response", CALLER, False),
    "UnknownRequest": (404, "unknown_request", CALLER, False),
    "UnknownKey": (404, "unknown_key", CALLER, False),
    "UnknownProject": (404, "unknown_project", CALLER, False),
    "UnknownHold": (404, "unknown_hold", CALLER, False),
    "Conflict": (409, "conflict", CALLER, False),
    "UnsupportedMediaType": (415, "unsupported_media_type", CALLER, False),
    "NoWebSocket": (426, "no_websocket", CALLER, False),
    "Unauthenticated": (401, "unauthenticated", "authentication_error", False),
    "InvalidToken": (401, "unauthenticated", "authentication_error", False),
    "InsufficientScope": (403, "forbidden", "permission_error", False),
    "IssuerUnavailable": (503, "issuer_unavailable", SERVER, True),
    "Forbidden": (403, "forbidden", "permission_error", False),
    "BodyTooLarge": (413, "body_too_large", CALLER, False),
    "UnsupportedEncoding": (415, "unsupported_encoding", CALLER, False),
    "BudgetExceeded": (402, "budget_exceeded", "budget_error", False),
    "RateLimited": (429, "rate_limited", "rate_limit_error", True),
    "NoDeploymentAvailable": (503, "no_deployment_available", PROVIDER, True),
    "DeadlineExceeded": (504, "deadline_exceeded", "timeout_error", True),
    "CallerGone": (499, "cancelled", CALLER, False),
    "StoreUnavailable": (503, "store_unavailable", SERVER, True),
    "StoreUnreadable": (503, "store_unavailable", SERVER, True),
    "ProjectMisplaced": (503, "store_unavailable", SERVER, True),
    "RecordRefused": (503, "store_unavailable", SERVER, True),
    "BacklogUnavailable": (503, "backlog_unavailable", SERVER, True),
    "Overloaded": (503, "overloaded", SERVER, True),
    "ShuttingDown": (503, "shutting_down", SERVER, True),
    "ConfigError": (500, "config_error", SERVER, False),
    "ConfigUnavailable": (500, "config_error", SERVER, False),
}
"""Status, code, type, and whether to try again."""
EFFECTS = {
    "ProviderError": ("fail", False, False),
    "RateLimitError": ("limit", False, False),
    "ProviderTimeout": ("fail", False, True),
    "ProviderUnavailable": ("fail", True, False),
    "DeploymentUnusable": ("fail", False, False),
    "ContextLengthError": ("skip", False, False),
    "ContentFilterError": ("skip", False, False),
    "BadCredentials": ("fail", False, False),
    "ProviderRejected": ("skip", False, False),
    "AddressRefused": ("skip", False, False),
}
"""For the breaker, whether the same deployment may answer a second time, and whether somebody may have been billed."""
CLASSES = {
    name: kind
    for module in (errors, provider_errors)
    for name, kind in inspect.getmembers(module, inspect.isclass)
    if kind.__module__ == module.__name__
}


def test_every_error_is_in_the_tables():
    """And in the tree that stands above them."""
    assert CLASSES.keys() == TABLE.keys()
    assert {name for name, kind in CLASSES.items() if issubclass(kind, ProviderError)} == EFFECTS.keys()
    assert all(name in (errors.__doc__ or "") for name in TABLE.keys() - {"LLMError"})


@pytest.mark.parametrize("name", TABLE)
def test_the_words_of_an_error(name):
    """They are of the types that JSON needs, too."""
    error = CLASSES[name]
    assert (error.status, error.code, error.type, error.retryable) == TABLE[name]
    assert isinstance(error.retryable, bool)


@pytest.mark.parametrize("name", EFFECTS)
def test_what_a_failed_attempt_means(name):
    """As it is without anything else said."""
    error = CLASSES[name]("told", detail="logged")
    assert (error.effect, error.transient, error.unconfirmed) == EFFECTS[name]
    assert isinstance(error.transient, bool)
    assert (error.usage, error.rates) == (None, None)


@pytest.mark.parametrize("name", TABLE)
def test_an_error_has_two_texts(name):
    """One for the caller, one for the log; nothing else by itself."""
    error = CLASSES[name]("told", detail="logged")
    assert (str(error), error.message, error.detail) == ("told", "told", "logged")
    assert error.param == ("api_base" if name == "AddressRefused" else None)
    assert (error.retry_after_s, error.attempts, error.billed) == (None, (), None)
    assert CLASSES[name]("told").detail == ""


@pytest.mark.parametrize("name", sorted(TABLE.keys() - {"InvalidRequest", "AddressRefused", *EFFECTS}))
def test_an_error_says_which_field_and_when_to_come_again(name):
    """Where that is known."""
    error = CLASSES[name]("told", param="model", retry_after_s=1.5)
    assert (error.param, error.retry_after_s) == ("model", 1.5)


def test_a_failed_attempt_says_what_is_known_of_its_bill():
    """Exact, unknown or nothing."""
    error = ProviderError("told", retry_after_s=2.0, usage=Usage(1, 2), unconfirmed=True)
    assert (error.retry_after_s, error.usage, error.unconfirmed) == (2.0, Usage(1, 2), True)


def test_a_timeout_may_be_the_callers_own():
    """Then the breaker does not hear of it."""
    assert provider_errors.ProviderTimeout("told", effect="skip").effect == "skip"


def test_a_request_may_be_against_the_schema():
    """A 422, which the door makes of it."""
    error = errors.InvalidRequest("told", param="model", schema=True)
    assert (error.param, error.schema, error.detail) == ("model", True, "")
    assert errors.InvalidRequest("told").schema is False


def test_a_stream_that_broke_says_what_it_cost():
    """Whoever catches it can tell."""
    error = LLMError("told")
    error.billed = (Usage(1, 2), Cost(3, 4, "list"))
    assert error.billed[1].total_nano == 7


@pytest.mark.parametrize(("error", "told"), [(errors.RateLimited("told"), "true"), (errors.Forbidden("told"), "false")])
def test_clients_are_told_whether_to_ask_again(error, told):
    """By the header that SDKs go by; a route that there is not is none the next time either."""
    assert error_response(error, "req").headers["x-should-retry"] == told
    assert http_error_response(HTTPException(404), "req").headers["x-should-retry"] == "false"
