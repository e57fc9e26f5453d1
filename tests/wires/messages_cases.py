"""All that callers on Anthropic's wire send in the matrix, in its own words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.wires.case import Case
from tests.wires.messages_options import ANSWERS, OPTIONS, THINKING, TOOLS
from tests.wires.messages_talk import MEDIA, TURNS

SECTIONS: Mapping[str, tuple[Case, ...]] = MappingProxyType(
    {
        "Turns": TURNS,
        "Images and documents": MEDIA,
        "Tools and results": TOOLS,
        "Options": OPTIONS,
        "Thinking": THINKING,
        "Answers": ANSWERS,
    }
)
CASES: tuple[Case, ...] = tuple(case for cases in SECTIONS.values() for case in cases)
