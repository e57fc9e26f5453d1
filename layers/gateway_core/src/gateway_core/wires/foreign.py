"""What LiteLLM would lose or change without a word: who is called through it is not asked for that.

Measured on LiteLLM 1.106 over the simulator, see docs/wires.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway_core.domain.chat import Json
from gateway_core.wires.codec import Objection
from gateway_core.wires.demands import DEMANDS

FOREIGN_CANNOT = DEMANDS
"""Nothing of it is among the options that reach LiteLLM, or is part of a message that it translates for all."""


def foreign_objection(_messages: Sequence[Json], _params: Json) -> Objection | None:
    """What else LiteLLM cannot be trusted with."""
    return None
