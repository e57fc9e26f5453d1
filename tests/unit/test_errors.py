"""What each error is on the wire, and what it says of the attempt that failed: clients and breakers go by these."""

import pytest

from gateway_core.domain import errors
from gateway_core.domain.errors import LLMError

WIRE = {
    "LLMError": (500, "internal_error", "server_error", False),
    "ProviderError": (502, "provider_error", "provider_error", True),
    "RateLimitError": (429, "rate_limited", "rate_limit_error", True),
    "ProviderTimeout": (504, "timeout", "provider_error", True),
    "ProviderUnavailable": (502, "provider_error", "provider_error", True),
    "DeploymentUnusable": (502, "provider_error", "provider_error", True),
    "ContextLengthError": (400, "context_length_exceeded", "invalid_request_error", False),
    "ContentFilterError": (400, "content_filtered", "invalid_request_error", False),
    "BadCredentials": (502, "bad_credentials", "provider_error", True),
    "ProviderRejected": (400, "invalid_request", "invalid_request_error", False),
    "AddressRefused": (403, "forbidden", "permission_error", False),
    "RequestError": (400, "internal_error", "invalid_request_error", False),
    "InvalidRequest": (400, "invalid_request", "invalid_request_error", False),
    "Unauthenticated": (401, "unauthenticated", "authentication_error", False),
    "BudgetExceeded": (402, "budget_exceeded", "budget_error", False),
    "Forbidden": (403, "forbidden", "permission_error", False),
    "UnknownModel": (404, "unknown_model", "invalid_request_error", False),
    "BodyTooLarge": (413, "body_too_large", "invalid_request_error", False),
    "RateLimited": (429, "rate_limited", "rate_limit_error", True),
    "NoDeploymentAvailable": (503, "no_deployment_available", "provider_error", True),
    "DeadlineExceeded": (504, "deadline_exceeded", "timeout_error", True),
    "CallerGone": (499, "cancelled", "invalid_request_error", False),
    "StoreUnavailable": (503, "store_unavailable", "server_error", True),
    "ConfigError": (500, "config_error", "server_error", False),
    "ConfigUnavailable": (500, "config_error", "server_error", False),
}
OF_ATTEMPTS = {
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
"""The effect on the breaker, whether asking again may help, whether it may be billed unseen."""


def classes(base):
    """The errors of a branch of the tree."""
    found = (one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, base))
    return {one.__name__: one for one in found}


def test_the_words_of_an_error():
    """Status, code, type, and whether to try again, of every error there is."""
    told = {name: (one.status, one.code, one.type, one.retryable) for name, one in classes(LLMError).items()}
    assert told == WIRE


def test_what_an_error_says_of_its_attempt():
    """Of every error of a provider."""
    made = {name: one("x") for name, one in classes(errors.ProviderError).items()}
    assert {name: (e.effect, e.transient, e.unconfirmed) for name, e in made.items()} == OF_ATTEMPTS
    assert {(e.usage, e.rates, e.retry_after_s) for e in made.values()} == {(None, None, None)}


@pytest.mark.parametrize("kind", classes(LLMError).values())
def test_an_error_has_two_texts(kind):
    """One for the caller and one for the log, which is empty unless there is more to say."""
    plain, told = kind("for the caller"), kind("for the caller", detail="for the log")
    assert (str(plain), plain.message, plain.detail) == ("for the caller", "for the caller", "")
    assert (told.message, told.detail) == ("for the caller", "for the log")
    assert (plain.attempts, plain.billed) == ((), None)
    assert plain.param == ("api_base" if kind is errors.AddressRefused else None)


def test_a_timeout_knows_whose_hurry_it_was():
    """With a caller's short deadline it says nothing about the deployment."""
    assert errors.ProviderTimeout("slow", effect="skip").effect == "skip"


def test_an_invalid_request_names_its_field():
    """And whether it is against the schema."""
    error = errors.InvalidRequest("odd", param="n", schema=True)
    assert (error.param, error.schema) == ("n", True)
    assert errors.InvalidRequest("odd").schema is False
