"""`gateway fault`: lets a provider that `make run` simulates fail, so that failover is seen to work."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from gateway_core.cli.answers import Answer, GatewayAway, UsageError
from gateway_core.cli.calling import Gateway
from gateway_core.config.client_environment import simulator

_COLUMNS = ("provider", "model", "kind", "endpoint", "times")
_PATH = "/__faults"
_WHERE = "`make run` prints where it simulates providers: name that by --url, or the port by LOCAL_PROVIDERS_PORT."


async def fault(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """Set a fault, list all, or clear them; the faults that are then set."""
    _check(options)
    called = Gateway(simulator(environ, options.url), None)
    try:
        if options.clear:
            await called.call("DELETE", _PATH)
        elif not options.list:
            await called.call("POST", _PATH, _asked(options))
        return _listed((await called.call("GET", _PATH)).get("faults", []))
    except GatewayAway as error:
        raise GatewayAway(f"{error} {_WHERE}") from None
    finally:
        await called.close()


def _check(options: argparse.Namespace) -> None:
    named = bool(options.provider) + bool(options.kind)
    if named == 1 or bool(named) == (options.clear or options.list):
        raise UsageError("Name a PROVIDER and a KIND, or say --list or --clear. See: gateway fault --help")


def _asked(options: argparse.Namespace) -> dict[str, object]:
    fields = {"provider": options.provider, "kind": options.kind, "model": options.model, "times": options.times}
    return {name: value for name, value in fields.items() if value is not None} | dict(options.set)


def _listed(faults: list[dict[str, Any]]) -> Answer:
    extra = [name for each in faults for name in each if name not in (*_COLUMNS, "id")]
    return Answer(faults, (*_COLUMNS, *dict.fromkeys(extra)), empty="no faults are set")
