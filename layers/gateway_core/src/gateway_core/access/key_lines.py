"""How a key is shown: what it may do, within which limits, what it has spent and when it was used. Never its secret."""

from __future__ import annotations

from dataclasses import dataclass

from gateway_core.domain.caller import Limits
from gateway_core.domain.cost import usd
from gateway_core.domain.times import iso
from gateway_core.store.key_changes import StoredKey
from gateway_core.store.records import BudgetLine
from gateway_core.store.virtual_keys import issuer_of


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What the accounts of a key say: of today, of this month, and the last UTC day (`2026-11-20`) of a request."""

    day: BudgetLine
    month: BudgetLine
    last_day: str | None


def key_line(key: StoredKey, use: KeyUse, now_ms: int) -> dict[str, object]:
    """Money as decimal strings, moments as RFC 3339; None for no limit, no end, never used.

    What was spent includes estimates, and not what is held. Users of tokens have `issuer`, whose tokens are theirs.
    """
    record = key.newest
    return {
        "id": record.id,
        "name": record.name,
        "project": record.project_id,
        "user": record.user_id,
        **({"issuer": issuer_of(record.digest)} if record.is_subject else {}),
        "admin": record.admin,
        "groups": list(record.groups),
        "tools": list(record.tools),
        "api_base_hosts": list(record.api_base_hosts),
        "models": list(record.models),
        **limit_fields(record.limits),
        "rpm": record.limits.rpm,
        "tpm": record.limits.tpm,
        "created": iso(record.created_ms),
        "expires_at": _moment(record.expires_ms),
        "rotated": _moment(record.issued_ms),
        "old_secret_ends_at": _moment(key.ends_ms(now_ms)),
        "revoked": _moment(record.revoked_ms),
        "last_used": use.last_day,
        "spent": {
            "day_usd": usd(use.day.spent_nano),
            "month_usd": usd(use.month.spent_nano),
            "day_tokens": use.day.spent_tokens,
            "month_tokens": use.month.spent_tokens,
        },
    }


def limit_fields(limits: Limits) -> dict[str, object]:
    """The budgets of a scope."""
    return {
        "day_usd": None if limits.day_nano is None else usd(limits.day_nano),
        "month_usd": None if limits.month_nano is None else usd(limits.month_nano),
        "day_tokens": limits.day_tokens,
        "month_tokens": limits.month_tokens,
    }


def _moment(at_ms: int | None) -> str | None:
    return None if at_ms is None else iso(at_ms)
