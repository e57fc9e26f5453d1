"""From the text of GATEWAY_CONFIG to its sources. What only one of them needs is imported for that one."""

from __future__ import annotations

import re
from pathlib import Path

from gateway_core.adapters.config_sources.file import FileSource
from gateway_core.domain.errors import ConfigError
from gateway_core.ports import ConfigSource

_S3 = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)")
_APPCONFIG = re.compile(r"appconfig://([^/]+)/([^/]+)/([^/]+)")
_FORMS = "a file, s3://bucket/key or appconfig://application/environment/profile"


def open_sources(text: str) -> tuple[ConfigSource, ...]:
    """One source for each name in `text`, which has commas between them; none for empty text. Raises ConfigError."""
    if not text.strip():
        return ()
    return tuple(_open(name.strip()) for name in text.split(","))


def _open(name: str) -> ConfigSource:
    if not name:
        raise ConfigError(f"GATEWAY_CONFIG: a name is missing before or after a comma. Each is {_FORMS}.")
    if found := _S3.fullmatch(name):
        from gateway_core.adapters.config_sources.s3 import S3Source  # noqa: PLC0415 - brings boto3

        return S3Source(*found.groups())
    if found := _APPCONFIG.fullmatch(name):
        from gateway_core.adapters.config_sources.appconfig import AppConfigSource  # noqa: PLC0415 - brings boto3

        return AppConfigSource(*found.groups())
    if "://" in name:
        # The name itself may hold what is private, and is not repeated.
        raise ConfigError(
            f"GATEWAY_CONFIG: there is no {name.partition('://')[0]}:// source of this form. Give {_FORMS}."
        )
    return FileSource(Path(name))
