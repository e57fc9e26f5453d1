"""The section `oauth`: what it makes, and which mistakes `gateway config check` tells."""

import re
from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from gateway_core.access.rights import TOOLS
from gateway_core.config.documents import Document
from gateway_core.config.oauth import ClaimsSection, FirstSection, OAuthSection, ToolName
from gateway_core.config.settings import GatewaySettings
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.oauth import ClaimNames

BASE = """
issuer: https://issuer.example/
resource: https://gateway.example.com/mcp
jwks_url: https://issuer.example/jwks
"""


def policy(*texts):
    documents = [
        Document(str(number), "oauth:\n" + "\n".join(f"  {line}" for line in text.splitlines()))
        for number, text in enumerate(texts, 1)
    ]
    return GatewaySettings.from_env({}, documents).oauth


def test_without_it_no_tokens_are_taken():
    """Off by default, and where it is empty."""
    assert GatewaySettings.from_env({}).oauth is None
    assert GatewaySettings.from_env({}, [Document("1", "oauth: {}")]).oauth is None


def test_a_project_for_all_is_enough():
    """All else has a default: the audience is the resource, the user is the token's subject."""
    found = policy(f"{BASE}project: team")
    assert (found.audience, found.project, found.claims) == (found.resource, "team", ClaimNames())
    assert found.algorithms == {"RS256", "ES256"}
    assert found.metadata_url == "https://gateway.example.com/.well-known/oauth-protected-resource/mcp"


def test_behind_a_stage_the_metadata_is_below_it():
    """Nothing of ours is at the root of such a host."""
    text = BASE.replace("https://gateway.example.com/mcp", "https://x.example.com/live/mcp")
    assert policy(f"{text}project: a").metadata_url == (
        "https://x.example.com/live/.well-known/oauth-protected-resource/mcp"
    )


def test_rights_and_limits_of_the_first_call():
    """Money to the nano-USD."""
    text = "first: {groups: [fast], tools: [complete], day_usd: 1.000000001, month_usd: '20', rpm: 5, tpm: 9}"
    first = policy(f"{BASE}project: team\n{text}").first
    assert (first.groups, first.tools) == (("fast",), ("complete",))
    assert first.limits == Limits(int(Decimal("1.000000001") * 10**9), 20 * 10**9, rpm=5, tpm=9)


def test_several_documents_make_one_section():
    """A stage may have an issuer of its own, over what is the same for all."""
    found = policy("project: team\nscopes: [a]", BASE, "issuer: https://other.example/")
    assert (found.issuer, found.scopes, found.project) == ("https://other.example/", ("a",), "team")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("scopes: [a]", "oauth.issuer: Field required"),
        (f"{BASE}", "oauth.project: Name either"),
        (f"{BASE}project: a\nclaims: {{project: team}}\nprojects: [a]", "oauth.project: Name either"),
        (f"{BASE}claims: {{project: team}}", "oauth.projects: List"),
        (f"{BASE}project: a\nprojects: [a]", "oauth.projects: List"),
        (f"{BASE}project: A", "oauth.project: String should match"),
        (f"{BASE}project: a\nalgorithms: [HS256]", "oauth.algorithms.0: Input should be"),
        (f"{BASE}project: a\nalgorithms: [none]", "oauth.algorithms.0: Input should be"),
        (f"{BASE}project: a\nalgorithms: []", "oauth.algorithms: List should have"),
        (f"{BASE}project: a\nscopes: ['a b']", "oauth.scopes.0: String should match"),
        (f"{BASE}project: a\nleeway_s: 301", "oauth.leeway_s"),
        (f"{BASE}project: a\njwks_ttl_s: 1", "oauth.jwks_ttl_s"),
        (f"{BASE}project: a\nfirst: {{groups: [none]}}", "oauth.first.groups: there is no group 'none'"),
        (f"{BASE}project: a\nfirst: {{models: [gpt-0]}}", "oauth.first.models: there is no model 'gpt-0'"),
        (f"{BASE}project: a\nfirst: {{tools: [complet]}}", "oauth.first.tools.0: Input should be 'complete'"),
        (f"{BASE}project: a\nfirst: {{day_usd: -1}}", "oauth.first.day_usd"),
        (f"{BASE}project: a\nfirst: {{day_usd: 0.0000000001}}", "oauth.first.day_usd"),
        (f"{BASE}project: a\nfirst: {{admin: true}}", "oauth.first.admin: There is no such field"),
        (f"{BASE}project: a\njwks: x", "oauth.jwks: There is no such field. Did you mean jwks_url?"),
        ("jwks_url: http://issuer.example/jwks", "oauth.jwks_url: Value error, Should be an https URL"),
        ("jwks_url: http://169.254.169.254/latest", "oauth.jwks_url: Value error, Should be an https URL"),
        ("jwks_url: file:///etc/passwd", "oauth.jwks_url: Value error, Should be an https URL"),
        ("jwks_url: https://user:secret@issuer.example/jwks", "oauth.jwks_url: Value error, Should be an https URL"),
        ("resource: https://gateway.example.com/", "oauth.resource: Value error, Should be the URL of /mcp"),
    ],
)
def test_mistakes_are_told_with_the_field_and_the_remedy(text, told):
    """Before anybody serves by them."""
    with pytest.raises(ConfigError) as caught:
        policy(text)
    assert told in caught.value.message
    assert "secret" not in caught.value.message


def test_tools_are_those_that_a_key_may_be_allowed():
    """The schema cannot import them."""
    assert get_args(ToolName.__value__) == TOOLS


def test_models_may_be_patterns_and_of_the_outside():
    """As those of a key."""
    text = "first: {models: ['claude-*', 'gpt-5.1', '*', 'anthropic/claude-x']}"
    assert len(policy(f"{BASE}project: team\n{text}").first.models) == 4


def test_http_is_for_this_machine():
    """To try it with an issuer that runs here."""
    assert policy(
        "issuer: http://127.0.0.1:8080\nresource: http://localhost:8787/mcp\n"
        "jwks_url: http://127.0.0.1:8080/jwks\nproject: dev"
    )


def test_the_example_has_every_option():
    """As of all sections."""
    text = (Path(__file__).parents[2] / "config.example.yaml").read_text("utf-8")
    fields = [name for schema in (OAuthSection, ClaimsSection, FirstSection) for name in schema.model_fields]
    assert [name for name in fields if not re.search(rf"\b{name}\b", text)] == []
