"""Efforts that hold from a place of the conversation on: no model of the catalog knows them.

Claude Code says them in messages of the system without a text, under the beta `per-turn-control-`.
"""

from __future__ import annotations

from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.wires.shapes import mapping

_CONFIG, _NAMED = "output_config", "messages.output_config"


def settled(body: Json) -> tuple[Json, tuple[str, ...]]:
    """The body without them, and what to name: the last is the request's effort, if that has none of its own.

    A message that says no more than that stays, empty: so each keeps the place that errors name.
    """
    messages = body["messages"]
    if not any(_CONFIG in message for message in messages):
        return body, ()
    efforts = [effort for message in messages if (effort := mapping(message.get(_CONFIG)).get("effort"))]
    config: dict[str, Any] = {**({"effort": efforts[-1]} if efforts else {}), **_said(mapping(body.get(_CONFIG)))}
    return {
        **body,
        "messages": [{name: value for name, value in one.items() if name != _CONFIG} for one in messages],
        **({_CONFIG: config} if config else {}),
    }, ((_NAMED,) if efforts else ())


def _said(config: Json) -> Json:
    return {name: value for name, value in config.items() if value is not None}
