"""Loaded by schemathesis, see `__main__`: most requests name a model that there is, and give it time to answer."""

from __future__ import annotations

from typing import Any

import schemathesis

NAMES = ("fast", "reasoning", "gpt-5.1-mini", "gemini-flash", "deepseek-v3.2", "claude-opus-4.5")
ENOUGH_S = 30


@schemathesis.hook
def before_call(_context: Any, case: Any, _options: Any) -> None:
    """Sent as they are made up, nearly all would be a 404, and the rest a 504 after no time at all."""
    body = case.body
    if not isinstance(body, dict):
        return
    name, timeout_s = body.get("model"), body.get("timeout_s")
    if isinstance(name, str) and len(name) % 4:
        body["model"] = NAMES[len(name) % len(NAMES)]
    if isinstance(timeout_s, int | float) and 0 < timeout_s < ENOUGH_S:
        body["timeout_s"] = ENOUGH_S
