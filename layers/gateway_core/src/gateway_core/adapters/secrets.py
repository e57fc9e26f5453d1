"""Reads secrets from AWS, named as the environment variables that they stand for.

`ssm:/path` are the SecureString parameters directly below a path, `secretsmanager:/name` is one secret, a JSON object.

All environments of a burst read at once, and SSM answers 40 calls a second of an account: what it throttles is asked
again, with growing pauses of random length, for as long as an init may take.
"""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway_core.adapters.aws import Account, AwsError, JsonCalls, Service, Timeouts
from gateway_core.domain.errors import ConfigError, ConfigUnavailable

SSM = Service("ssm", "SSM", "AmazonSSM")
SECRETS_MANAGER = Service("secretsmanager", "Secrets Manager", "secretsmanager")
MOST_S = 8.0
"""After so long nothing is asked again: Lambda ends an init after 10 s."""
_LAST_TRY_S = 0.5
"""What the last try has to connect, and to be answered, if the time is over but for it."""
_TIMEOUTS = Timeouts(connect_s=1, read_s=3)
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 2.0
_UNREADABLE = "The secrets at {source} cannot be read ({why}). See docs/deploy.md."


class Calls(Protocol):
    """One of AWS's services, as `JsonCalls` is."""

    def call(self, operation: str, arguments: Mapping[str, Any], within_s: float = ...) -> dict[str, Any]: ...

    def close(self) -> None: ...


type Connect = Callable[[Service], Calls]


@dataclass(frozen=True, slots=True)
class Patience:
    """How to wait between tries; `draw` gives numbers from 0 to 1."""

    sleep: Callable[[float], None] = time.sleep
    clock_s: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random


def connector(environ: Mapping[str, str]) -> Connect:
    """Reaches the services of the account that the environment names."""
    account = Account(environ)
    return lambda service: JsonCalls(service, account, _TIMEOUTS)


def read_secrets(sources: Sequence[str], connect: Connect, patience: Patience | None = None) -> dict[str, str]:
    """Values by name, of all sources; the last one wins. Raises ConfigError, which quotes no value."""
    reading = _Reading(connect, patience or Patience())
    try:
        return reading.read(sources)
    finally:
        reading.close()


class _Reading:
    """All calls have their time together."""

    def __init__(self, connect: Connect, patience: Patience) -> None:
        self._connect = connect
        self._patience = patience
        self._end_s = patience.clock_s() + MOST_S
        self._open: dict[Service, Calls] = {}

    def read(self, sources: Sequence[str]) -> dict[str, str]:
        known = self._siblings(sources)
        found: dict[str, str] = {}
        for source in sources:
            here = known[source] if source in known else self._source(source)
            if not here:
                raise ConfigError(f"There are no secrets at {source}. See docs/deploy.md.")
            found |= here
        return found

    def close(self) -> None:
        for calls in self._open.values():
            calls.close()

    def _siblings(self, sources: Sequence[str]) -> dict[str, dict[str, str]]:
        """What is below several paths of SSM that have one parent, by one call. Nothing where that is not allowed."""
        paths = {source: path for source in sources if (path := _path(source, "ssm"))}
        parents = {path.rpartition("/")[0] for path in paths.values()}
        if len(paths) < 2 or len(parents) > 1 or parents == {""}:  # noqa: PLR2004 - several
            return {}
        try:
            found = self._parameters(*parents, deep=True)
        except AwsError as error:
            if error.passing:
                raise _unreadable(next(iter(paths)), error) from None
            return {}
        return {source: _directly_below(path, found) for source, path in paths.items()}

    def _source(self, source: str) -> dict[str, str]:
        try:
            if path := _path(source, "ssm"):
                return _directly_below(path, self._parameters(path, deep=False))
            if name := _path(source, "secretsmanager"):
                return _variables(self._secret(name), source)
        except AwsError as error:
            raise _unreadable(source, error) from None
        raise ConfigError(f"A secrets source must look like ssm:/path or secretsmanager:/name, not {source!r}.")

    def _parameters(self, path: str, *, deep: bool) -> dict[str, str]:
        """Values by whole name."""
        found: dict[str, str] = {}
        asked = {"Path": path, "Recursive": deep, "WithDecryption": True, "MaxResults": 10}
        while True:
            answer = self._call(SSM, "GetParametersByPath", asked)
            found |= {one["Name"]: one["Value"] for one in answer.get("Parameters", ())}
            if not answer.get("NextToken"):
                return found
            asked["NextToken"] = answer["NextToken"]

    def _secret(self, name: str) -> str | bytes | None:
        answer = self._call(SECRETS_MANAGER, "GetSecretValue", {"SecretId": name})
        if "SecretBinary" in answer:
            return base64.b64decode(answer["SecretBinary"])
        text: str | None = answer.get("SecretString")
        return text

    def _call(self, service: Service, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if service not in self._open:
            self._open[service] = self._connect(service)
        for pause_s in pauses_s(self._patience.draw):
            try:
                left_s = self._end_s - self._patience.clock_s()
                return self._open[service].call(operation, arguments, max(left_s, _LAST_TRY_S))
            except AwsError as error:
                if not error.passing or self._patience.clock_s() + pause_s > self._end_s:
                    raise
            self._patience.sleep(pause_s)
        raise AssertionError  # pauses never end


def pauses_s(draw: Callable[[], float]) -> Iterator[float]:
    """Seconds before each further try: from nothing to a bound that doubles, so that a crowd spreads out."""
    most_s = _FIRST_PAUSE_S
    while True:
        yield draw() * most_s
        most_s = min(2 * most_s, _LONGEST_PAUSE_S)


def _path(source: str, scheme: str) -> str:
    """What comes after the scheme, if that is it and a path follows."""
    found, _, path = source.partition(":")
    return path.rstrip("/") if found == scheme and path.startswith("/") else ""


def _unreadable(source: str, error: AwsError) -> ConfigUnavailable:
    return ConfigUnavailable(_UNREADABLE.format(source=source, why=error.code), detail=error.code)


def _directly_below(path: str, found: Mapping[str, str]) -> dict[str, str]:
    names = {name.rpartition("/") for name in found}
    return {name: found[f"{parent}/{name}"] for parent, _, name in names if parent == path}


def _variables(text: str | bytes | None, source: str) -> dict[str, str]:
    try:
        found = json.loads(text) if text is not None else None
    except ValueError:  # its text would quote the secret
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConfigError(
            f'The secret at {source} is not a JSON object of texts, such as {{"OPENAI_API_KEY": "sk-..."}}.'
        )
    return found
