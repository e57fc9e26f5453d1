"""What follows from a probe: a status, what is listed, and warnings."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_core.domain.errors import ConfigError
from gateway_core.domain.provider_errors import (
    BadCredentials,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimitError,
)
from gateway_core.store.probes import (
    ModelList,
    Probe,
    failed_status,
    interval_s,
    listed,
    model_warnings,
    price_warning,
    provider_status,
)
from tests.conftest import model

TODAY = date(2026, 11, 20)
PROBE = Probe("p", "ok", 20, 1_000, 2_000)
STATUSES = ("ok", "bad_credentials", "rate_limited", "unavailable", "timeout", "unsupported", "not_configured")
BREAKERS = st.lists(st.sampled_from(["closed", "open", "half_open"]), min_size=1)
WORSE = ["healthy", "unknown", "degraded", "unhealthy"]


@pytest.mark.parametrize(
    ("schedule", "seconds"),
    [
        ("rate(5 minutes)", 300),
        ("rate(1 minute)", 60),
        ("rate(2 hours)", 7_200),
        ("rate(1 day)", 86_400),
        ("rate(0 minutes)", None),
        ("rate(5 seconds)", None),
        ("rate(123456 days)", None),
        ("cron(0 8 * * ? *)", None),
        (" rate(5 minutes)", None),
        ("", None),
    ],
)
def test_a_schedule_tells_how_often_it_runs(schedule, seconds):
    """If it is a rate."""
    assert interval_s(schedule) == seconds


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ConfigError("x"), "not_configured"),
        (BadCredentials("x"), "bad_credentials"),
        (RateLimitError("x"), "rate_limited"),
        (ProviderTimeout("x"), "timeout"),
        (ProviderRejected("x"), "unsupported"),
        (ProviderUnavailable("x"), "unavailable"),
    ],
)
def test_each_error_has_its_status(error, status):
    """As the port says that a lister raises them."""
    assert failed_status(error) == status


@pytest.mark.parametrize(
    ("name", "other", "is_listed"),
    [
        ("claude-opus-4-5", "claude-opus-4-5", True),
        ("claude-opus-4-5", "claude-opus-4-5-20251101", True),
        ("gpt-5.1", "gpt-5.1-2025-11-13", True),
        ("gemini-2.5-flash", "gemini-2.5-flash-001", True),
        ("mistral", "mistral:latest", True),
        ("claude-3-7-sonnet-latest", "claude-3-7-sonnet-20250219", True),
        ("gpt-5.1", "gpt-5.1-mini", False),
        ("gpt-5.1", "gpt-501", False),
        ("gpt-5.1", "gpt-5.1-20251113-preview", False),
        ("gpt-5", "gpt-5.1", False),
        ("mistral", "mistral:7b", False),
    ],
)
def test_a_version_of_a_model_counts_as_the_model(name, other, is_listed):
    """A dated one, or the latest; not another model that begins alike."""
    assert listed([name], ModelList(frozenset({"x", other}))) == {name: is_listed}


def test_a_list_with_more_pages_proves_no_absence():
    """What is on the first page is there; of the rest nobody knows."""
    assert listed(["a", "b"], ModelList(frozenset({"a"}), complete=False)) == {"a": True}


@pytest.mark.parametrize(
    ("breakers", "probe", "status"),
    [
        (["closed", "closed"], None, "healthy"),
        (["closed", "open"], None, "degraded"),
        (["open", "half_open"], "ok", "unhealthy"),
        (["closed"], "ok", "healthy"),
        (["closed"], "unsupported", "healthy"),
        (["closed"], "not_configured", "unknown"),
        (["closed", "open"], "not_configured", "degraded"),
        (["closed"], "rate_limited", "degraded"),
        (["closed"], "timeout", "degraded"),
        (["closed"], "unavailable", "degraded"),
        (["closed"], "bad_credentials", "unhealthy"),
        (["unknown", "unknown"], None, "unknown"),
    ],
)
def test_the_status_of_a_provider(breakers, probe, status):
    """Breakers decide, a probe may make it worse."""
    assert provider_status(breakers, probe) == status


@given(BREAKERS, st.sampled_from(STATUSES))
def test_a_probe_never_makes_it_better(breakers, probe):
    """Least of all one that is fine."""
    without, with_probe = provider_status(breakers, None), provider_status(breakers, probe)
    assert WORSE.index(with_probe) >= WORSE.index(without)
    if probe in {"ok", "unsupported"}:
        assert with_probe == without


def test_a_probe_counts_for_a_while():
    """Up to its end."""
    assert PROBE.is_fresh(1_999)
    assert not PROBE.is_fresh(2_000)


def test_warnings_name_models_that_go_and_models_that_are_not_listed():
    """Each with the provider and a remedy; nothing is said of what is in order or unknown."""
    models = [
        model("fine", "p"),
        model("soon", "p", retires_on=TODAY + timedelta(days=3)),
        model("gone", "p", retires_on=TODAY),
        model("lost", "p"),
        model("elsewhere", "q"),
    ]
    probe = replace(PROBE, listed={"fine": True, "lost": False, "elsewhere": False})
    found = model_warnings(models, [probe], TODAY)
    assert [(w.code, w.provider, w.model) for w in found] == [
        ("model_retiring", "p", "soon"),
        ("model_retired", "p", "gone"),
        ("model_unlisted", "p", "lost"),
    ]
    assert "does not list lost" in found[2].message


@pytest.mark.parametrize(("priced_on", "is_old"), [(None, False), (TODAY, False), (TODAY - timedelta(days=91), True)])
def test_old_prices_are_warned_of(priced_on, is_old):
    """After so many days; that is all that can be known offline."""
    warning = price_warning(priced_on, TODAY, 90)
    assert (warning is not None) == is_old
    if warning:
        assert (warning.code, "91 days old" in warning.message) == ("prices_old", True)
    assert price_warning(TODAY - timedelta(days=90), TODAY, 90) is None
