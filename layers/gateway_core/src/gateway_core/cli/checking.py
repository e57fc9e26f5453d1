"""`gateway config check`: whether documents of configuration are valid."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from gateway_core.adapters.config_sources import open_sources
from gateway_core.cli.answers import Answer, UsageError
from gateway_core.cli.moving import misplaced
from gateway_core.config.check import check_config
from gateway_core.config.environment import documents_named, naming
from gateway_core.domain.errors import ConfigUnavailable


async def config_check(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """One line about all of them. Raises ConfigError with what is wrong."""
    named = documents_named(environ) if options.sources is None else options.sources
    try:
        checked = check_config(open_sources(named), environ)
    except ConfigUnavailable as error:
        if options.sources is None:
            raise
        text = error.message.removeprefix("GATEWAY_CONFIG: ").replace(", or unset it", "")  # it names no variable
        raise UsageError(text) from None
    return Answer([{**checked, **await misplaced(naming(environ, named))}])
