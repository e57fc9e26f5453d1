"""What the composition root reads first, and what of it changes later."""

from __future__ import annotations

import pytest

from gateway_core.bootstrap import light_services, read_settings
from gateway_core.domain.errors import ConfigError

STORE = {"UPSTASH_REDIS_REST_URL": "https://store.example", "UPSTASH_REDIS_REST_TOKEN": "x"}
PATH = "/llm-gateway/store"


@pytest.fixture
def document(tmp_path):
    """A document with a group of its own."""
    path = tmp_path / "config.yaml"
    path.write_text("groups: {mine: [gpt-5.1]}")
    return path


@pytest.fixture
def ssm(aws):
    """Puts into a parameter store, which has an address of the gateway's store."""
    client = aws.client("ssm")

    def put(name, value):
        client.put_parameter(Name=f"{PATH}/{name}", Value=value, Type="SecureString", Overwrite=True)

    for name, value in STORE.items():
        put(name, value)
    return put


def test_the_first_configuration_has_to_be_valid(document):
    """A process that would serve by guesswork does not start."""
    document.write_text("groups: {mine: [gpt-6]}")
    with pytest.raises(ConfigError, match=r"groups.mine: there is no model 'gpt-6'"):
        light_services({**STORE, "GATEWAY_CONFIG": str(document)})
    with pytest.raises(ConfigError, match=r"^GATEWAY_CONFIG: cannot read /nowhere/config.yaml \(FileNotFoundError\)"):
        read_settings({"GATEWAY_CONFIG": "/nowhere/config.yaml"})


def test_the_documents_name_may_be_among_the_secrets(document, ssm, aws):
    """Where a template's parameter is too short for it."""
    ssm("GATEWAY_CONFIG", str(document))
    live = light_services({**aws.environ, "GATEWAY_SECRETS_STORE": f"ssm:{PATH}", "GATEWAY_CONFIG": ""})
    assert live.now().settings.catalog.groups["mine"] == ("gpt-5.1",)


def test_documents_and_secrets_are_read_again(document, ssm, aws):
    """The services change, and keep the store that they began with."""
    live = light_services({**aws.environ, "GATEWAY_SECRETS_STORE": f"ssm:{PATH}", "GATEWAY_CONFIG": str(document)})
    live._start = lambda job: job()
    before = live.now()
    ssm("OPENAI_API_KEY", "sk-new")
    document.write_text("groups: {mine: [gpt-5.1-mini]}")
    live.expire()
    after = live.now()
    assert after.settings.provider_keys["openai"].reveal() == "sk-new"
    assert after.settings.catalog.groups["mine"] == ("gpt-5.1-mini",)
    assert before.settings.catalog.groups["mine"] == ("gpt-5.1",)
    assert after.ledger is before.ledger
