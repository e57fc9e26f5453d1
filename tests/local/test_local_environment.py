"""What `make run` starts and what it leaves alone, and which function serves a path."""

import pytest

from local.environment import StackError, read
from local.front import function_of
from local.loopback import ServingError
from local.stack import explained


def test_without_anything_everything_is_simulated():
    """Default ports, store in memory."""
    found = read({})
    assert (found.port, found.store_port, found.providers_port, found.store_token) == (8787, 8788, 8789, "local")
    assert found.simulated == ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK")
    assert not found.real_store
    assert found.probe_interval_s == 300


def test_a_key_or_a_base_makes_a_provider_real():
    """A base without a key is somebody's own server."""
    found = read(
        {"OPENAI_API_KEY": "sk", "GEMINI_API_BASE": "http://127.0.0.1:1/v1beta", "UPSTASH_REDIS_REST_URL": "x"}
    )
    assert found.simulated == ("ANTHROPIC", "DEEPSEEK")
    assert found.keyless == ("GEMINI",)
    assert found.real_store


def test_where_others_can_reach_it_nothing_is_made_up():
    """Neither answers nor a key; simulated providers have to be asked for."""
    found = read({"HOST": "0.0.0.0"})
    assert (found.simulated, found.makes_key) == ((), False)
    assert read({"HOST": "0.0.0.0", "LOCAL_SIMULATE": "1"}).simulated == ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK")
    assert read({}).makes_key
    assert read({"LOCAL_SIMULATE": "0"}).simulated == ()


@pytest.mark.parametrize(
    ("name", "value"), [("LOCAL_SIMULATE", "yes"), ("DRAIN_S", "-1"), ("DRAIN_S", "901"), ("PROBE_INTERVAL_S", "5m")]
)
def test_choices_are_checked(name, value):
    """With the name of the variable."""
    with pytest.raises(StackError, match=name):
        read({name: value})


def test_the_stack_may_have_several_databases():
    """By names, which the environment of the gateway has in its variables."""
    assert read({}).databases == ()
    assert read({"LOCAL_DATABASES": "EAST, west_2"}).databases == ("east", "west_2")
    for environ in ({}, {"UPSTASH_REDIS_REST_URL": "x"}):
        with pytest.raises(StackError, match="LOCAL_DATABASES"):
            read({"LOCAL_DATABASES": "east" if environ else "east,first", **environ})
    for names in ("east,east", "1"):
        with pytest.raises(StackError, match="LOCAL_DATABASES"):
            read({"LOCAL_DATABASES": names})


@pytest.mark.parametrize("value", ["eighty", "-1", "65536", "8787.0"])
def test_ports_are_checked(value):
    """With the name of the variable."""
    with pytest.raises(StackError, match="PORT"):
        read({"PORT": value})


@pytest.mark.parametrize(
    ("path", "name"),
    [("/v1/complete", "complete"), ("/v1/models/gpt-5.1", "models"), ("/v1/models", "models"), ("/nope", "health")],
)
def test_paths_belong_to_functions(path, name):
    """An unknown path is answered by `health`."""
    assert function_of(path) == name


@pytest.mark.parametrize(("port", "says"), [(8788, "LOCAL_STORE_PORT"), (8790, "PORT"), (1, "")])
def test_a_port_that_is_taken_is_named_by_its_variable(port, says):
    """What listens there is often another `make run`."""
    with pytest.raises(StackError) as refused, explained({"PORT": "8790"}):
        raise ServingError(f"cannot listen on 127.0.0.1:{port}: Address already in use")
    hint = f". Stop what listens there, or set {says} to another port." if says else "Address already in use"
    assert str(refused.value).endswith(hint)
