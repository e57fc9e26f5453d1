"""A request on Anthropic's wire as the gateway works with it: the chat form, and the body itself for who speaks it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json, Spoken
from gateway_core.wires.anthropic.inbound.names import ToolNames
from gateway_core.wires.anthropic.inbound.options import custom_names, params_of
from gateway_core.wires.anthropic.inbound.parts import Apart
from gateway_core.wires.anthropic.inbound.talk import talk_of
from gateway_core.wires.anthropic.inbound.turns import settled
from gateway_core.wires.anthropic.record import ANTHROPIC

_HEADERS = ("anthropic-beta", "anthropic-version")


@dataclass(frozen=True, slots=True)
class Inbound:
    """What a caller asks, in the chat form.

    places: For each message the place of the caller's that it comes from, -1 for `system`.
    names: The names of his tools, as he knows them.
    """

    messages: tuple[Json, ...]
    params: dict[str, Any]
    spoken: Spoken
    places: tuple[int, ...]
    names: ToolNames


def inbound(body: Json, headers: Mapping[str, str], left: Iterable[str] = ()) -> Inbound:
    """A checked body of `/v1/messages`, and the headers that it came with, in lower case.

    `left` are members that were taken out of it before.
    """
    apart = Apart()
    body, in_turns = settled(body)
    talk, params = talk_of(body, apart), params_of(body, apart)
    said = tuple((name, headers[name]) for name in _HEADERS if headers.get(name))
    nobody_told = (*in_turns, *left)
    unsaid = tuple(sorted({*apart.unsaid, *nobody_told}))
    spoken = Spoken(
        ANTHROPIC.name, body, said, tuple(apart.bound), unsaid, beside=tuple(apart.beside), left=nobody_told
    )
    return Inbound(tuple(talk.messages), params, spoken, tuple(talk.places), ToolNames(custom_names(body)))
