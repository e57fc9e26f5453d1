"""What an error may say of an attempt: to the caller in our own words, to the operator redacted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway_core.adapters.upstream.exchange import ProviderExchange
from gateway_core.adapters.upstream.redact import quote, redact
from gateway_core.domain.chat import Deployment, Json
from gateway_core.domain.credentials import Secret
from gateway_core.wires.errors import WireError
from gateway_core.wires.table import traits_of

_WORD = re.compile(r"[A-Za-z0-9_.:-]{1,80}")


@dataclass(frozen=True, slots=True)
class About:
    """The attempt in hand. `messages` are only looked at to see whether a provider's text repeats them."""

    deployment: Deployment
    now_ms: int
    secret: Secret = field(repr=False)
    messages: tuple[Json, ...] = field(default=(), repr=False)

    @property
    def provider(self) -> str:
        return traits_of(self.deployment.provider).display_name

    @property
    def model(self) -> str:
        return self.deployment.upstream_model

    def detail(self, seen: ProviderExchange, error: WireError | None = None, cause: Exception | None = None) -> str:
        """One line for the operator's log: status, the provider's machine words, its request id, its text redacted."""
        request_id = seen.headers.get("request-id") or seen.headers.get("x-request-id") or ""
        request_id = request_id or seen.headers.get("x-amzn-requestid", "")
        facts = [
            f"{self.deployment.provider}/{self.model}",
            f"status={seen.status}" if seen.status is not None else "no answer",
            f"fault={seen.fault}" if seen.fault else "",
            f"type={seen.content_type}" if _WORD.fullmatch(seen.content_type.replace("/", ".")) else "",
            *(f"label={label}" for label in sorted(error.labels if error else ()) if _WORD.fullmatch(label)),
            f"request_id={request_id}" if _WORD.fullmatch(request_id) else "",
            f"cause={type(cause).__name__}" if cause else "",
        ]
        line = redact(" ".join(filter(None, facts)), [self.secret.reveal()])
        said = self._quoted(error.message) if error else ""
        return f'{line} said="{said}"' if said else line

    def _quoted(self, text: str) -> str:
        return quote(text, secrets=[self.secret.reveal()], private=_texts([dict(m) for m in self.messages]))


def _texts(value: Any, name: str = "") -> Iterator[str]:
    """Every text in the messages that a person or a model wrote: all strings but roles and types."""
    if isinstance(value, str):
        if name not in {"role", "type"}:
            yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item, name)
