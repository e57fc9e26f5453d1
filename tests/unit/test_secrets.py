"""Secrets from SSM."""

import boto3
import pytest
from moto import mock_aws

from gateway_core.adapters.secrets import read_secrets
from gateway_core.errors import ConfigError


@pytest.fixture
def ssm(monkeypatch):
    """A parameter store with two secrets and one below them."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("ssm", region_name="eu-central-1")
        values = {"OPENAI_API_KEY": "sk-secret", "GEMINI_API_KEY": "AIza-secret", "deeper/OTHER": "x"}
        for name, value in values.items():
            client.put_parameter(Name=f"/llm-gateway/providers/{name}", Value=value, Type="SecureString")
        yield client


def test_parameters_by_their_last_name(ssm):
    """Decrypted, those directly below the path."""
    assert read_secrets("ssm:/llm-gateway/providers", ssm) == {
        "OPENAI_API_KEY": "sk-secret",
        "GEMINI_API_KEY": "AIza-secret",
    }


@pytest.mark.parametrize("source", ["ssm:relative", "file:/x", "/llm-gateway"])
def test_a_source_must_be_a_path_in_ssm(ssm, source):
    """Told with what it should look like."""
    with pytest.raises(ConfigError, match="ssm:/path"):
        read_secrets(source, ssm)


def test_an_empty_path_is_an_error(ssm):
    """A gateway without its secrets must not start."""
    with pytest.raises(ConfigError, match="no parameters below /nothing"):
        read_secrets("ssm:/nothing", ssm)
