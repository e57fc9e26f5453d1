"""What clients of OAuth find on AWS: the metadata at both places, open to all, and a front that asks nobody else."""

from gateway_core.mcp_front.app import METADATA
from tests.template.test_template import FUNCTIONS
from tests.template.transformed import RESOURCES, of_type


def paths():
    (api,) = of_type("AWS::ApiGateway::RestApi").values()
    return api["Body"]["paths"]


def test_the_metadata_is_at_both_places_and_needs_no_key():
    """A client has none yet; the MCP function answers, as it knows what is configured."""
    for path in METADATA:
        method = paths()[path]["x-amazon-apigateway-any-method"]
        assert "security" not in method
        assert "${McpAliaslive}" in str(method["x-amazon-apigateway-integration"]["uri"])


def test_no_authorizer_stands_before_mcp():
    """One would be a second run for each request, and would answer 401 without what the gateway says in it."""
    method = paths()["/mcp"]["x-amazon-apigateway-any-method"]
    assert "security" not in method
    assert of_type("AWS::ApiGateway::Authorizer") == {}


def test_a_domain_has_mcp_at_its_root():
    """So that `/.well-known/...` of RFC 9728 is where clients look: below a stage they would not find it."""
    (mapping,) = of_type("AWS::ApiGateway::BasePathMapping").values()
    assert "BasePath" not in mapping


def test_the_front_has_no_secret_but_the_stores():
    """It checks tokens by public keys, and vouches with what it derives from the store's token."""
    policies = [str(policy) for policy in FUNCTIONS["Mcp"]["Policies"]]
    assert any("StoreSecrets" in policy for policy in policies)
    assert not any("ProviderSecrets" in policy for policy in policies)
    assert RESOURCES["McpRole"]["Properties"]["ManagedPolicyArns"]
