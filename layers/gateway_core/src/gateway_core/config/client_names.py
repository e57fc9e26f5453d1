"""`model_aliases`: what the operator has clients ask for in place of the names that they choose by themselves."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Annotated

from pydantic import StringConstraints

from gateway_core.config.outside import IDENTIFIER
from gateway_core.domain.errors import ConfigError

type Pattern = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._/:@*?!\[\]-]{1,100}$")]
"""As of files: `*` is any characters, `?` one, `[ab]` one of these."""


def check_client_names(names: Mapping[str, str], known: Container[str], source: str) -> None:
    """Raises ConfigError for a target that nobody serves."""
    for pattern, target in names.items():
        if target not in known and not IDENTIFIER.fullmatch(target):
            raise ConfigError(f"{source}: model_aliases.{pattern}: there is no model or group '{target}'. Correct it.")
