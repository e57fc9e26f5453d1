"""Reads secrets from AWS, named as the environment variables that they stand for.

`ssm:/path` are the SecureString parameters directly below a path, `secretsmanager:/name` is one secret, a JSON object.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gateway_core.domain.errors import ConfigError, ConfigUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

_UNREADABLE = "The secrets at {source} cannot be read. See docs/deploy.md."


def read_secrets(source: str, client: Any = None) -> dict[str, str]:
    """Values by name. `client` is boto3's for the service. Raises ConfigError, which quotes no value."""
    scheme, _, path = source.partition(":")
    read = _READERS.get(scheme)
    if read is None or not path.startswith("/"):
        raise ConfigError(f"A secrets source must look like ssm:/path or secretsmanager:/name, not {source!r}.")
    found = read(path, client)
    if not found:
        raise ConfigError(f"There are no secrets at {source}. See docs/deploy.md.")
    return found


def _from_ssm(path: str, client: Any) -> dict[str, str]:
    # Imported here: outside Lambda nothing needs boto3, and it costs a quarter of a second.
    from aws_lambda_powertools.utilities.parameters import SSMProvider  # noqa: PLC0415
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415

    try:
        found = SSMProvider(boto3_client=client).get_multiple(path, decrypt=True, recursive=False)
    except GetParameterError as error:
        raise _unreadable(f"ssm:{path}", error) from error
    return {name: str(value) for name, value in found.items()}


def _from_secrets_manager(name: str, client: Any) -> dict[str, str]:
    from aws_lambda_powertools.utilities.parameters import SecretsProvider  # noqa: PLC0415 - as above
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415

    try:
        text = SecretsProvider(boto3_client=client).get(name)
    except GetParameterError as error:
        raise _unreadable(f"secretsmanager:{name}", error) from error
    return _variables(text, f"secretsmanager:{name}")


def _variables(text: object, source: str) -> dict[str, str]:
    try:
        found = json.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:  # its text would quote the secret
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ConfigError(
            f'The secret at {source} is not a JSON object of texts, such as {{"OPENAI_API_KEY": "sk-..."}}.'
        )
    return found


def _unreadable(source: str, error: Exception) -> ConfigUnavailable:
    return ConfigUnavailable(_UNREADABLE.format(source=source), detail=type(error).__name__)


_READERS: dict[str, Callable[[str, Any], dict[str, str]]] = {
    "ssm": _from_ssm,
    "secretsmanager": _from_secrets_manager,
}
