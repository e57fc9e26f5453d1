"""Reads secrets from AWS at start: SSM SecureString parameters named as the environment variables they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway_core.errors import ConfigError

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_SCHEME = "ssm:"


def read_secrets(source: str, client: SSMClient | None = None) -> dict[str, str]:
    """The parameters directly below `ssm:/path`, by their last name. Raises ConfigError, which quotes no value."""
    if not source.startswith(f"{_SCHEME}/"):
        raise ConfigError(f"A secrets source must look like ssm:/path, not {source!r}.")
    path = source.removeprefix(_SCHEME)
    found = _by_path(path, client)
    if not found:
        raise ConfigError(f"There are no parameters below {path} in SSM. See docs/deploy.md.")
    return found


def _by_path(path: str, client: SSMClient | None) -> dict[str, str]:
    # Imported here: outside Lambda nothing needs boto3, and it costs a quarter of a second.
    from aws_lambda_powertools.utilities.parameters import SSMProvider  # noqa: PLC0415
    from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError  # noqa: PLC0415

    try:
        found = SSMProvider(boto3_client=client).get_multiple(path, decrypt=True, recursive=False)
    except GetParameterError as error:
        raise ConfigError(f"The parameters below {path} in SSM cannot be read.", detail=type(error).__name__) from error
    return {name: str(value) for name, value in found.items()}
