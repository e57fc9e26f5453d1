"""Secrets from SSM and from Secrets Manager."""

import json

import boto3
import pytest
from moto import mock_aws

from gateway_core.adapters.secrets import read_secrets
from gateway_core.bootstrap import read_settings
from gateway_core.domain.errors import ConfigError

REGION = "eu-central-1"
SECRETS = {"OPENAI_API_KEY": "sk-secret", "GEMINI_API_KEY": "AIza-secret"}


@pytest.fixture
def aws(monkeypatch):
    """An account, with its region and its credentials in the environment."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture
def ssm(aws):
    """A parameter store with two secrets and one below them."""
    client = boto3.client("ssm", region_name=REGION)
    for name, value in {**SECRETS, "deeper/OTHER": "x"}.items():
        client.put_parameter(Name=f"/llm-gateway/providers/{name}", Value=value, Type="SecureString")
    return client


@pytest.fixture
def manager(aws):
    """A Secrets Manager; its secrets are made by `put`."""
    return boto3.client("secretsmanager", region_name=REGION)


def put(manager, text: str) -> None:
    """Make the secret of the providers."""
    manager.create_secret(Name="/llm-gateway/providers", SecretString=text)


def test_parameters_by_their_last_name(ssm):
    """Decrypted, those directly below the path."""
    assert read_secrets("ssm:/llm-gateway/providers", ssm) == SECRETS


def test_the_members_of_a_secret(manager):
    """One secret holds them all."""
    put(manager, json.dumps(SECRETS))
    assert read_secrets("secretsmanager:/llm-gateway/providers", manager) == SECRETS


@pytest.mark.parametrize("source", ["ssm:relative", "secretsmanager:name", "file:/x", "/llm-gateway", "ssm"])
def test_a_source_must_name_its_kind_and_path(aws, source):
    """Told with what it should look like."""
    with pytest.raises(ConfigError, match="ssm:/path or secretsmanager:/name"):
        read_secrets(source)


@pytest.mark.parametrize("source", ["ssm:/nothing", "secretsmanager:/nothing"])
def test_missing_secrets_are_an_error(aws, source):
    """A gateway without its secrets must not start."""
    with pytest.raises(ConfigError, match=source):
        read_secrets(source)


def test_an_empty_secret_is_an_error(manager):
    """As above."""
    put(manager, "{}")
    with pytest.raises(ConfigError, match="no secrets at"):
        read_secrets("secretsmanager:/llm-gateway/providers", manager)


@pytest.mark.parametrize(
    "text", ["sk-secret", '["sk-secret"]', '{"OPENAI_API_KEY": {"value": "sk-secret"}}', '"sk-secret"']
)
def test_a_secret_of_another_form_is_an_error_that_does_not_quote_it(manager, text):
    """The commonest mistake is to store the key alone."""
    put(manager, text)
    with pytest.raises(ConfigError, match="not a JSON object") as caught:
        read_secrets("secretsmanager:/llm-gateway/providers", manager)
    assert "sk-secret" not in f"{caught.value.message}{caught.value.detail}{caught.value.__cause__}"


def test_what_is_set_by_hand_wins_if_it_is_not_empty(ssm):
    """The template sets some variables to nothing, and these may be among the secrets."""
    environ = {
        "GATEWAY_SECRETS_PROVIDERS": "ssm:/llm-gateway/providers",
        "OPENAI_API_KEY": "sk-by-hand",
        "GEMINI_API_KEY": " ",
        "LOG_LEVEL": "",
    }
    settings = read_settings(environ)
    keys = {name: key.reveal() for name, key in settings.provider_keys.items()}
    assert (keys, settings.log_level) == ({"openai": "sk-by-hand", "gemini": "AIza-secret"}, "INFO")
