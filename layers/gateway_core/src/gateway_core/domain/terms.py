"""What a request lets a provider bill: how many answers, at which service tier, in which modality.

Service tiers are OpenAI's: https://platform.openai.com/docs/api-reference/chat/create, `service_tier`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway_core.domain.chat import Json
from gateway_core.domain.errors import InvalidRequest

DEFAULT_TIER = "default"
STANDARD_TIERS = frozenset({"", DEFAULT_TIER, "standard", "on_demand", "scale"})
"""Names of what the plain list price pays for. Units of `scale` are bought ahead, and its tokens cost nothing more."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one request at one model; as they stand, those of a plain text.

    `service_tier` is what goes upstream. `hour_writes`: it may write to a cache for an hour, not only for minutes.
    """

    service_tier: str = DEFAULT_TIER
    choices: int = 1
    hour_writes: bool = False
    audio_input: bool = False
    audio_output: bool = False


PLAIN = Terms()


def sent_service_tier(params: Json) -> str:
    """What goes to OpenAI as `service_tier`: what the caller names, and `default` for a caller who names nothing.

    OpenAI takes a missing tier for `auto`, which is what the settings of the account's project say, and that may be
    `priority` at twice the price. By saying `default` nobody pays, or has to hold, more than the price that they see;
    whoever wants the project's tier names `auto`, and then the dearest tier is held.
    """
    asked = params.get("service_tier")
    return asked if isinstance(asked, str) and asked else DEFAULT_TIER


def billed_service_tier(params: Json) -> str:
    """The service tier that bills an answer that names none: what was asked for, empty for the default.

    Of `auto` only the provider knows; it is taken for the default, which costs no more.
    """
    asked = sent_service_tier(params)
    return "" if asked in STANDARD_TIERS | {"auto"} else asked


def choices_of(params: Json) -> int:
    """How many answers a request asks for (`n`), each of which may be as long as its cap. Raises InvalidRequest."""
    asked: Any = params.get("n")
    if asked is None:
        return 1
    if not isinstance(asked, int) or isinstance(asked, bool) or asked < 1:
        raise InvalidRequest("n: must be a whole number of answers, at least 1.", param="n")
    return asked


def speaks(params: Json) -> bool:
    """Whether the answer may be audio (`modalities`)."""
    asked = params.get("modalities")
    return isinstance(asked, list | tuple) and "audio" in asked
