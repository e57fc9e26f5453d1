"""The part of docs/wires.md about callers on OpenAI's Responses."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.wires import responses_expected as expected
from tests.wires.responses_matrix import CASES, COLUMNS

_INTRO = """
## `/v1/responses`

The same for callers on [OpenAI's Responses](responses.md), in its own words. All of OpenAI's models are called on this
wire for them, and get the body as it came. `own-gpt` stands for a server of one's own that speaks OpenAI's chat wire.
Rows of the tables above that are not here are about fields that Responses does not have, or come out as above.

"""


def responses_lines(words: Callable[[str], str]) -> Iterator[str]:
    """A table of all cases, by model."""
    models = [column.model for column in COLUMNS]
    cells = expected.load()
    yield _INTRO
    yield f"| | {' | '.join(f'`{model}`' for model in models)} |\n|---|{'---|' * len(models)}\n"
    for case in CASES:
        native, litellm = cells[case.id]["native"], cells[case.id].get("litellm", {})
        told = (_cell(words, native.get(model, ""), litellm.get(model)) for model in models)
        yield f"| {case.title} | {' | '.join(told)} |\n"


def _cell(words: Callable[[str], str], native: str, litellm: str | None) -> str:
    told = words(native)
    return told if litellm in (None, native) else f"{told}; by LiteLLM {words(str(litellm))}"
