"""`gateway events tail`: what happens in a gateway, line by line, as it happens."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from gateway_core.cli.answers import Answer, CommandError, GatewayRefused
from gateway_core.cli.asking import HERE, events_of
from gateway_core.cli.calling import Gateway, caller
from gateway_core.cli.output import json_line, shown
from gateway_core.config.client_environment import address_or

_ON_AWS = " On AWS there is no such route: events are on EventBridge, see docs/events.md."
_NO_ROUTE = (403, 404)
"""API Gateway answers 403 where it has no route."""
_HIDDEN = ("schema", "at")


async def tail(options: argparse.Namespace, environ: Mapping[str, str]) -> Answer:
    """Until it is interrupted, or `--count` have come; each is printed at once."""
    found = address_or(environ, options.url, HERE)
    gateway = Gateway(found, caller(options, environ, found))
    terminal = sys.stdout.isatty() and not options.json
    told = 0
    after = {"last-event-id": "0"} if options.all else {}
    try:
        async with gateway.opened("GET", "/v1/events", more=after) as response:
            async for name, event in events_of(response):
                if options.type and name not in options.type:
                    continue
                print(_line(event) if terminal else json_line(event), flush=True)
                told += 1
                if told == options.count:
                    return Answer()
    except GatewayRefused as error:
        hint = _ON_AWS if error.status in _NO_ROUTE else ""
        raise GatewayRefused(f"{error}{hint}", error.status) from None
    finally:
        await gateway.close()
    raise CommandError("The gateway ended the stream: it stops, or the key was revoked.")


def _line(event: Mapping[str, Any]) -> str:
    """When, what, and all that belongs to it."""
    detail = event["detail"]
    rest = {name: value for name, value in detail.items() if name not in _HIDDEN and value is not None}
    return f"{detail['at']}  {event['detail-type']}  {shown(rest)}"
