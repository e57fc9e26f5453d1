"""What operators do over HTTP, as an event and a line of the log. Neither has a secret in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import override

from gateway_core.telemetry.events import Event, Fact


@dataclass(frozen=True, slots=True, kw_only=True)
class Administered(Event):
    """Somebody did something, or tried to: `outcome` is `ok` or an error's code.

    `operator` is an ARN of IAM, or `dev key`; `action` is as in `key.rotated`, `target` an id.
    """

    request_id: str
    operator: str
    action: str
    target: str
    outcome: str = "ok"

    @property
    @override
    def detail_type(self) -> str:
        return "admin.changed"

    @override
    def facts(self) -> dict[str, Fact]:
        return {
            "request_id": self.request_id,
            "operator": self.operator,
            "action": self.action,
            "target": self.target,
        }
