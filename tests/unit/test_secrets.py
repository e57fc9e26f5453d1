"""Secrets from SSM and from Secrets Manager."""

from __future__ import annotations

import heapq
import json
import math
import random
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway_core.adapters import secrets
from gateway_core.adapters.aws import AwsError, Service
from gateway_core.adapters.secrets import MOST_S, Patience, connector, pauses_s
from gateway_core.bootstrap import read_settings
from gateway_core.domain.errors import ConfigError, ConfigUnavailable
from tests.aws import AwsServer

SECRETS = {"OPENAI_API_KEY": "sk-secret", "GEMINI_API_KEY": "AIza-secret"}
STORE = {"UPSTASH_REDIS_REST_URL": "https://store.example"}
BOTH = ("ssm:/llm-gateway/store", "ssm:/llm-gateway/providers")


@pytest.fixture
def ssm(aws: AwsServer) -> Any:
    """A parameter store with secrets at two paths and one below them."""
    client = aws.client("ssm")
    below = {f"providers/{name}": value for name, value in SECRETS.items()}
    below |= {f"store/{name}": value for name, value in STORE.items()}
    for name, value in {**below, "providers/deeper/OTHER": "x", "elsewhere/OTHER": "x"}.items():
        client.put_parameter(Name=f"/llm-gateway/{name}", Value=value, Type="SecureString")
    return client


@pytest.fixture
def manager(aws: AwsServer) -> Any:
    """A Secrets Manager; its secrets are made by `put`."""
    return aws.client("secretsmanager")


@pytest.fixture
def read_secrets(aws: AwsServer) -> Callable[[str], dict[str, str]]:
    """What is at one source."""
    return lambda source: secrets.read_secrets([source], connector(aws.environ))


class Scripted:
    """Stands for a service: a call gets the next answer, and its time passes, but no more than it is waited for."""

    def __init__(self, *answers: Any, takes_s: float = 0) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, Any]] = []
        self.now_s = 0.0
        self.is_open = False
        self._takes_s = takes_s

    def connect(self, service: Service) -> Scripted:
        self.is_open = True
        return self

    def call(self, operation: str, arguments: Mapping[str, Any], within_s: float = math.inf) -> dict[str, Any]:
        self.asked.append((operation, dict(arguments)))
        self.now_s += min(self._takes_s, within_s)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return dict(answer)

    def close(self) -> None:
        self.is_open = False

    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    def read(self, *sources: str) -> dict[str, str]:
        patience = Patience(self.wait, lambda: self.now_s, lambda: 1.0)
        return secrets.read_secrets(sources, self.connect, patience)


def parameters(*names: str) -> dict[str, Any]:
    return {"Parameters": [{"Name": name, "Value": "v"} for name in names]}


def put(manager, text: str) -> None:
    """Make the secret of the providers."""
    manager.create_secret(Name="/llm-gateway/providers", SecretString=text)


def test_parameters_by_their_last_name(ssm, read_secrets):
    """Decrypted, those directly below the path."""
    assert read_secrets("ssm:/llm-gateway/providers") == SECRETS


def test_the_members_of_a_secret(manager, read_secrets):
    """One secret holds them all."""
    put(manager, json.dumps(SECRETS))
    assert read_secrets("secretsmanager:/llm-gateway/providers") == SECRETS


@pytest.mark.parametrize("source", ["ssm:relative", "secretsmanager:name", "file:/x", "/llm-gateway", "ssm"])
def test_a_source_must_name_its_kind_and_path(read_secrets, source):
    """Told with what it should look like."""
    with pytest.raises(ConfigError, match="ssm:/path or secretsmanager:/name"):
        read_secrets(source)


@pytest.mark.parametrize("source", ["ssm:/nothing", "secretsmanager:/nothing"])
def test_missing_secrets_are_an_error(read_secrets, source):
    """A gateway without its secrets must not start."""
    with pytest.raises(ConfigError, match=source):
        read_secrets(source)


def test_an_empty_secret_is_an_error(manager, read_secrets):
    """As above."""
    put(manager, "{}")
    with pytest.raises(ConfigError, match="no secrets at"):
        read_secrets("secretsmanager:/llm-gateway/providers")


@pytest.mark.parametrize(
    "text", ["sk-secret", '["sk-secret"]', '{"OPENAI_API_KEY": {"value": "sk-secret"}}', '"sk-secret"']
)
def test_a_secret_of_another_form_is_an_error_that_does_not_quote_it(manager, read_secrets, text):
    """The commonest mistake is to store the key alone."""
    put(manager, text)
    with pytest.raises(ConfigError, match="not a JSON object") as caught:
        read_secrets("secretsmanager:/llm-gateway/providers")
    assert "sk-secret" not in f"{caught.value.message}{caught.value.detail}{caught.value.__cause__}"


def test_what_is_set_by_hand_wins_if_it_is_not_empty(ssm, aws):
    """The template sets some variables to nothing, and these may be among the secrets."""
    environ = {
        **aws.environ,
        "GATEWAY_SECRETS_PROVIDERS": "ssm:/llm-gateway/providers",
        "OPENAI_API_KEY": "sk-by-hand",
        "GEMINI_API_KEY": " ",
        "LOG_LEVEL": "",
    }
    settings = read_settings(environ)
    keys = {name: key.reveal() for name, key in settings.provider_keys.items()}
    assert (keys, settings.log_level) == ({"openai": "sk-by-hand", "gemini": "AIza-secret"}, "INFO")


def test_a_binary_secret_is_one_too(manager, read_secrets):
    """Who puts a file there makes such."""
    manager.create_secret(Name="/llm-gateway/providers", SecretBinary=json.dumps(SECRETS).encode())
    assert read_secrets("secretsmanager:/llm-gateway/providers") == SECRETS


def test_two_paths_of_one_parent_take_one_call(ssm, aws):
    """Of the 40 that an account has in a second; nothing else that is below the parent comes along."""
    asked = []

    def watched(service: Service) -> Any:
        calls = connector(aws.environ)(service)
        call = calls.call
        calls.call = lambda operation, arguments, within_s: (
            asked.append(arguments["Path"]),
            call(operation, arguments),
        )[1]
        return calls

    assert secrets.read_secrets(BOTH, watched) == STORE | SECRETS
    assert asked == ["/llm-gateway"]


def test_who_may_not_read_the_parent_reads_both():
    """With a policy of before, or of one's own."""
    denied = AwsError("AccessDeniedException")
    service = Scripted(denied, parameters("/llm-gateway/store/A"), parameters("/llm-gateway/providers/B"))
    assert service.read(*BOTH) == {"A": "v", "B": "v"}
    assert [arguments["Path"] for _, arguments in service.asked] == [
        "/llm-gateway",
        "/llm-gateway/store",
        "/llm-gateway/providers",
    ]


@pytest.mark.parametrize("sources", [("ssm:/a", "ssm:/b"), ("ssm:/a/store", "ssm:/b/providers"), ("ssm:/a/store",)])
def test_other_paths_are_read_one_by_one(sources):
    """Nobody is asked for all that there is."""
    service = Scripted(*(parameters(f"{source.removeprefix('ssm:')}/A") for source in sources))
    service.read(*sources)
    assert [f"ssm:{arguments['Path']}" for _, arguments in service.asked] == list(sources)
    assert not any(arguments["Recursive"] for _, arguments in service.asked)


def test_one_of_two_that_is_empty_is_named():
    """And nothing is told of what the other holds."""
    with pytest.raises(ConfigError, match="no secrets at ssm:/llm-gateway/providers"):
        Scripted(parameters("/llm-gateway/store/A")).read(*BOTH)


def test_what_is_throttled_is_asked_again():
    """After pauses that grow."""
    throttled = AwsError("ThrottlingException", passing=True)
    service = Scripted(throttled, throttled, throttled, parameters("/p/A"))
    assert service.read("ssm:/p") == {"A": "v"}
    assert (len(service.asked), service.now_s, service.is_open) == (4, pytest.approx(0.2 + 0.4 + 0.8), False)


@pytest.mark.parametrize("sources", [("ssm:/llm-gateway/store",), BOTH, ("secretsmanager:/llm-gateway/store",)])
def test_an_init_does_not_wait_for_ever(sources):
    """Lambda would end it without a word."""
    service = Scripted(AwsError("ThrottlingException", passing=True))
    with pytest.raises(ConfigUnavailable, match=r"/llm-gateway/store cannot be read \(ThrottlingException\)"):
        service.read(*sources)
    assert MOST_S - 2 <= service.now_s <= MOST_S
    assert not service.is_open


@pytest.mark.parametrize("takes_s", [2.9, 3.7, 30])
def test_a_service_that_hangs_does_not_outlast_an_init(takes_s):
    """The last try has what is left of the time, and half a second at least."""
    service = Scripted(AwsError("TimeoutError", passing=True), takes_s=takes_s)
    with pytest.raises(ConfigUnavailable, match="TimeoutError"):
        service.read(*BOTH)
    assert service.now_s <= MOST_S + 0.5


def test_all_pages_share_that_time():
    """Not each its own."""
    throttled = AwsError("ThrottlingException", passing=True)
    service = Scripted({**parameters("/p/A"), "NextToken": "2"}, *[throttled] * 5, {"NextToken": "3"}, throttled)
    with pytest.raises(ConfigUnavailable):
        service.read("ssm:/p")
    assert service.now_s <= MOST_S


def test_what_will_not_change_is_told_at_once():
    """A policy does not come by waiting."""
    service = Scripted(AwsError("AccessDeniedException"))
    with pytest.raises(ConfigUnavailable, match="AccessDeniedException"):
        service.read("ssm:/p")
    assert (len(service.asked), service.now_s) == (1, 0)


def burst(environments: int, seed: int) -> list[float]:
    """When each of these, all started at once, has its secrets, from a service with 40 calls a second and 40 saved."""
    chance, tokens, at_s = random.Random(seed), 40.0, 0.0  # noqa: S311 - as in the product
    due: list[tuple[float, int]] = [(0.0, number) for number in range(environments)]
    pauses = [pauses_s(chance.random) for _ in range(environments)]
    ready: list[float] = []
    while due:
        now_s, number = heapq.heappop(due)
        tokens, at_s = min(40.0, tokens + 40 * (now_s - at_s)), now_s
        if tokens >= 1:
            tokens -= 1
            ready.append(now_s)
        elif (again_s := now_s + next(pauses[number])) <= MOST_S:
            heapq.heappush(due, (again_s, number))
    return ready


@pytest.mark.parametrize(("environments", "most_s"), [(40, 0), (100, 3.5), (200, 7)])
def test_a_burst_of_cold_starts_is_served(environments, most_s):
    """All of them, within the 10 s of an init, by SSM's default quota."""
    for seed in range(20):
        ready = burst(environments, seed)
        assert len(ready) == environments
        assert max(ready) <= most_s
