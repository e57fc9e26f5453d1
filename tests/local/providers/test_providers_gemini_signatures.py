"""Gemini's signatures of calls: which go back, and what stands for them, of the documentation of 2026-11-29."""

from __future__ import annotations

import pytest

from tests.local.providers.at_gemini import CALLED, DECLARED, PRO, RESPONSE, USER, generate
from tests.local.providers.refusals import error


def history(*parts, before=USER):
    responses = {"role": "user", "parts": RESPONSE["parts"] * len(parts)}
    return [before, {"role": "model", "parts": list(parts)}, responses]


def test_a_signature_goes_back_with_its_call(sim):
    """As it came. Without it Gemini 3 refuses the turn, and says which call; 2.5 does not look."""
    asked = {"role": "user", "parts": [{"text": "[[tool]]"}]}
    part = generate(sim, PRO, contents=[asked], tools=DECLARED).json()["candidates"][0]["content"]["parts"][0]
    assert generate(sim, PRO, contents=history(part, before=asked), tools=DECLARED).status_code == 200
    found = error(generate(sim, PRO, contents=history(CALLED)))
    assert found["message"].startswith("Function call is missing a thought_signature in functionCall parts.")
    assert "function call `default_api:f` , position 2." in found["message"]
    assert generate(sim, contents=history(CALLED)).status_code == 200


@pytest.mark.parametrize("name", ["thoughtSignature", "thought_signature"])
@pytest.mark.parametrize(
    "dummy",
    [
        "skip_thought_signature_validator",
        "context_engineering_is_the_way_to_go",
        "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=",
    ],
)
def test_dummies_stand_for_a_signature(sim, dummy, name):
    """As documented for histories that another model wrote, as text or as bytes in base64."""
    assert generate(sim, PRO, contents=history(CALLED | {name: dummy})).status_code == 200


def test_a_forged_signature(sim):
    """Neither a dummy nor what came with a call of this function."""
    assert error(generate(sim, PRO, contents=history(CALLED | {"thoughtSignature": "AAAA"})))["message"] == (
        "Corrupted thought signature."
    )


def test_parallel_calls_share_a_signature_and_old_turns_need_none(sim):
    """The first call of a step carries it; what was before the user's last words is not looked at."""
    tools = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]
    asked = {"role": "user", "parts": [{"text": "[[tool=f,g]]"}]}
    parts = generate(sim, PRO, contents=[asked], tools=tools).json()["candidates"][0]["content"]["parts"]
    assert [sorted(part) for part in parts] == [["functionCall", "thoughtSignature"], ["functionCall"]]
    assert generate(sim, PRO, contents=history(*parts, before=asked), tools=tools).status_code == 200
    over = [*history(CALLED), {"role": "model", "parts": [{"text": "Blue."}]}, USER]
    assert generate(sim, PRO, contents=over).status_code == 200
    loop = [*history(parts[0], before=asked), *history(CALLED)[1:]]
    assert "position 4" in error(generate(sim, PRO, contents=loop))["message"]
