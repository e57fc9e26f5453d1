"""What `make run` says of providers that are not simulated."""

import pytest

from local.environment import read
from local.real_providers import real_providers

STORE = {"UPSTASH_REDIS_REST_URL": "https://store.example", "UPSTASH_REDIS_REST_TOKEN": "token"}
HERE = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    ("environ", "lines"),
    [
        ({}, []),
        ({"OPENAI_API_KEY": "sk-1"}, ["openai https://api.openai.com/v1 (costs money)"]),
        ({"OPENAI_API_KEY": "sk-1", "OPENAI_API_BASE": HERE}, [f"openai {HERE}"]),
        ({"OPENAI_API_BASE": "https://own.example/v1"}, ["openai https://own.example/v1"]),
        ({"MISTRAL_API_KEY": "sk-1"}, ["mistral https://api.mistral.ai/v1 (costs money)"]),
        ({"OLLAMA_API_BASE": "http://localhost:11434"}, ["ollama http://localhost:11434"]),
    ],
)
def test_what_is_real_is_named_with_what_it_means(environ, lines):
    """Whoever has a key elsewhere sends a bill; an address without a key is somebody's own server."""
    choices = read(environ)
    made_up = {f"{name}_API_KEY": "simulated" for name in choices.simulated}
    none = {f"{name}_API_KEY": "none" for name in choices.keyless}
    assert list(real_providers(choices, {**STORE, **environ, **made_up, **none})) == lines
