"""Members and values of betas that the gateway does not pass on: left out and named, so that newer clients work.

Without such a beta in the header they are typing mistakes, which the schema refuses. Members that the schema knows and
refuses, as they cost extra or keep something, are refused in any case.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, get_args

from gateway_core.api.anthropic.blocks import AskedEffort, AssistantMessage, SystemMessage, TurnConfig, UserMessage
from gateway_core.api.anthropic.schemas import Adaptive, Disabled, Display, Enabled, OutputConfig, Prompt
from gateway_core.api.body import Strict
from gateway_core.domain.chat import Json
from gateway_core.wires.anthropic.betas import names_unknown

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_MOST_NAMES = 32
_THINKING: dict[str, type[Strict]] = {"adaptive": Adaptive, "disabled": Disabled, "enabled": Enabled}
_MESSAGES: dict[str, type[Strict]] = {"assistant": AssistantMessage, "system": SystemMessage, "user": UserMessage}
_DISPLAYS, _EFFORTS = get_args(Display.__value__), get_args(AskedEffort.__value__)


def without_unknown(schema: type[Prompt], body: dict[str, Any], betas: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body as far as it is known, and the names of what was left out.

    `betas` is the header. What is left out are members of the body itself, of `thinking`, of `output_config` and of
    messages, and kinds of thinking, ways to show it and efforts.
    """
    if not names_unknown(betas):
        return body, ()
    left: set[str] = set()
    known = _known(body, schema.model_fields, "", left)
    if isinstance(thinking := known.get("thinking"), dict):
        known["thinking"] = _thinking(thinking, left)
    if isinstance(config := known.get("output_config"), dict):
        known["output_config"] = _config(config, OutputConfig, "output_config.", left)
    if isinstance(messages := known.get("messages"), list):
        known["messages"] = [_message(message, left) for message in messages]
    return known, tuple(sorted(left)[:_MOST_NAMES])


def _known(body: Json, names: Collection[str], path: str, left: set[str]) -> dict[str, Any]:
    for name in body.keys() - set(names):
        left.add(f"{path}{name}" if _NAME.fullmatch(name) else path.removesuffix(".") or "body")
    return {name: value for name, value in body.items() if name in names}


def _thinking(thinking: Json, left: set[str]) -> dict[str, Any] | None:
    kind = thinking.get("type")
    if isinstance(kind, str) and kind not in _THINKING:
        left.add("thinking")
        return None
    if not isinstance(kind, str):
        return dict(thinking)
    known = _known(thinking, _THINKING[kind].model_fields, "thinking.", left)
    return _valued(known, "display", _DISPLAYS, "thinking.", left)


def _config(config: Json, schema: type[OutputConfig | TurnConfig], path: str, left: set[str]) -> dict[str, Any]:
    return _valued(_known(config, schema.model_fields, path, left), "effort", _EFFORTS, path, left)


def _valued(known: dict[str, Any], name: str, values: Collection[str], path: str, left: set[str]) -> dict[str, Any]:
    """Without the member if it is a text that is none of these."""
    if isinstance(known.get(name), str) and known[name] not in values:
        left.add(f"{path}{name}")
        del known[name]
    return known


def _message(message: Any, left: set[str]) -> Any:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(role, str) or role not in _MESSAGES:
        return message
    known = _known(message, _MESSAGES[role].model_fields, "messages.", left)
    if isinstance(config := known.get("output_config"), dict):
        known["output_config"] = _config(config, TurnConfig, "messages.output_config.", left)
    return known
