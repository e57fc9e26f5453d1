"""What Gemini's generations differ in on the wire, beside what models refuse (`domain.model_rules`)."""

from __future__ import annotations

_BEFORE_3 = ("gemini-1", "gemini-2", "gemini-pro-vision", "gemini-exp")


def is_since_3(model: str) -> bool:
    """Whether the model is of Gemini 3 or newer, as those are that go by a name without a number.

    They give calls ids and want them back, want their calls' signatures back, and take media inside a call's result;
    older models refuse ids. Docs: "Function calling", "Thought signatures", "Gemini 3 developer guide".
    """
    return model.startswith("gemini-") and not model.startswith(_BEFORE_3)
