"""Hosts and origins of the MCP endpoint."""

import pytest

from gateway_core.mcp_front.settings import McpSettings

DOMAIN = "abc123.execute-api.eu-central-1.amazonaws.com"
LAMBDA = {"AWS_LAMBDA_FUNCTION_NAME": "mcp"}


def settings(**environ: str) -> McpSettings:
    """As the environment says."""
    return McpSettings.from_env(environ, body_limit=1000, default_timeout_s=60)


@pytest.mark.parametrize("host", ["localhost", "localhost:8787", "127.0.0.1:1", "[::1]:8787", "[::1]", "LOCALHOST"])
def test_this_machine_is_allowed_locally_only(host):
    """On Lambda nobody calls us so; under SAM's local Lambda they do."""
    assert settings().allows_host(host, None)
    assert settings(**LAMBDA, AWS_SAM_LOCAL="true").allows_host(host, None)
    assert not settings(**LAMBDA).allows_host(host, DOMAIN)


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "evil.example:8787", "127.0.0.1.evil"])
def test_another_name_is_refused(host):
    """What a DNS rebinding attack would send."""
    assert not settings().allows_host(host, None)
    assert not settings(**LAMBDA).allows_host(host, DOMAIN)


def test_the_name_by_which_api_gateway_was_reached_is_allowed():
    """Unless the operator lists names: then it is the list alone."""
    assert settings(**LAMBDA).allows_host(DOMAIN, DOMAIN)
    assert settings(**LAMBDA).allows_host(DOMAIN.upper(), DOMAIN)
    assert not settings(**LAMBDA).allows_host(DOMAIN, None)
    assert not settings(**LAMBDA, GATEWAY_ALLOWED_HOSTS="llm.example.com").allows_host(DOMAIN, DOMAIN)


@pytest.mark.parametrize("host", ["llm.example.com", "llm.example.com:443", "a.b.example.org", "LLM.example.com"])
def test_listed_names_are_allowed(host):
    """Exact ones, and all below a star."""
    listed = settings(**LAMBDA, GATEWAY_ALLOWED_HOSTS="llm.example.com, *.example.org,")
    assert listed.allows_host(host, None)
    assert not listed.allows_host("example.org", None)
    assert not listed.allows_host("notexample.org", None)


def test_origins_are_whole_and_exact():
    """Scheme, name and port."""
    listed = settings(**LAMBDA, GATEWAY_ALLOWED_ORIGINS="https://app.example.com, http://localhost:3000/")
    assert listed.allows_origin("https://app.example.com")
    assert listed.allows_origin("https://APP.example.com")
    assert listed.allows_origin("http://localhost:3000")
    for origin in ("http://app.example.com", "https://app.example.com:8443", "https://evil.example", "null", ""):
        assert not listed.allows_origin(origin)


def test_pages_of_this_machine_may_call_locally():
    """An inspector in the browser, on any port."""
    for origin in ("http://localhost:6274", "http://127.0.0.1:6274", "http://[::1]:6274"):
        assert settings().allows_origin(origin)
        assert not settings(**LAMBDA).allows_origin(origin)
    assert not settings().allows_origin("https://evil.example")
    assert not settings().allows_origin("null")
