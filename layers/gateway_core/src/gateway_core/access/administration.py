"""What an operator does to keys, budgets and holds, each answered with what is now true, ready to print as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway_core.domain.caller import Limits
from gateway_core.domain.cost import usd
from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.times import day_key, iso, utc_date
from gateway_core.ports import Clock, OperatorStore
from gateway_core.store.budget import NOTHING, Amount
from gateway_core.store.records import OpenHold
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key

type Line = dict[str, object]


@dataclass(frozen=True, slots=True)
class Administration:
    """Works on one store. Every method raises StoreUnavailable, and ConfigError for limits that cannot be kept."""

    store: OperatorStore
    clock: Clock

    async def create_key(self, grant: KeyRecord) -> Line:
        """Make a key with the rights and limits of `grant`. The secret is in the answer and nowhere else."""
        key = new_key(grant.project_id)
        record = replace(grant, digest=digest_of(key), created_ms=self.clock.now_ms())
        await self.store.put_key(record)
        return {"key": key, "id": record.id}

    async def list_keys(self, project_id: str) -> list[Line]:
        """The project's keys, revoked ones included, oldest first."""
        return [_key_line(record) for record in await self.store.list_keys(project_id)]

    async def revoke_key(self, key_id: str) -> Line:
        """Raises InvalidRequest if there is no such key."""
        if not await self.store.revoke_key(key_id, now_ms=self.clock.now_ms()):
            raise InvalidRequest(f"There is no key {key_id!r}. See: gateway keys list --project ID.")
        return {"id": key_id, "revoked": True}

    async def set_budget(self, project_id: str, user_id: str, changes: Mapping[str, int | None]) -> Line:
        """Change the named limits of a project or user, None lifting one; the others stay."""
        scope = f"u:{user_id}" if user_id else "p"
        day, month = await self.store.budget_lines(project_id, day=self._today(), scopes=[scope])
        limits = Limits(day.limit_nano, month.limit_nano, day.limit_tokens, month.limit_tokens)
        changed = replace(limits, **changes)
        await self.store.set_budget(project_id, user_id, changed)
        return {"project": project_id, "user": user_id, **_budget(changed)}

    async def list_holds(self, project_id: str, month: str | None) -> list[Line]:
        """What is held in the month (default: this one), oldest first; requests under way are among it."""
        holds = await self.store.open_holds(project_id, month=month or self._this_month())
        return [_hold_line(hold) for hold in holds]

    async def release_hold(
        self, project_id: str, month: str | None, request_id: str, attempt: int, charge: Amount = NOTHING
    ) -> Line:
        """Release a hold and spend `charge` instead. Raises InvalidRequest if there is no such hold."""
        found = await self.store.resolve_hold(
            project_id,
            month=month or self._this_month(),
            request_id=request_id,
            attempt=attempt,
            charge_nano=charge.nano,
            charge_tokens=charge.tokens,
            now_ms=self.clock.now_ms(),
        )
        name = f"{request_id}.{attempt}"
        if not found:
            raise InvalidRequest(f"Nothing is held for {name!r} in that month: it is settled, or was never admitted.")
        return {"hold": name, "released": True, "charge_usd": usd(charge.nano), "charge_tokens": charge.tokens}

    def _today(self) -> str:
        return day_key(utc_date(self.clock.now_ms()))

    def _this_month(self) -> str:
        return self._today()[:6]


def _key_line(record: KeyRecord) -> Line:
    return {
        "id": record.id,
        "project": record.project_id,
        "user": record.user_id,
        "admin": record.admin,
        "groups": list(record.groups),
        "tools": list(record.tools),
        "api_base_hosts": list(record.api_base_hosts),
        "models": list(record.models),
        **_budget(record.limits),
        "rpm": record.limits.rpm,
        "tpm": record.limits.tpm,
        "created": iso(record.created_ms),
        "revoked": None if record.revoked_ms is None else iso(record.revoked_ms),
    }


def _budget(limits: Limits) -> Line:
    return {
        "day_usd": None if limits.day_nano is None else usd(limits.day_nano),
        "month_usd": None if limits.month_nano is None else usd(limits.month_nano),
        "day_tokens": limits.day_tokens,
        "month_tokens": limits.month_tokens,
    }


def _hold_line(hold: OpenHold) -> Line:
    return {
        "hold": f"{hold.request_id}.{hold.attempt}",
        "state": "unconfirmed" if hold.unconfirmed else "open",
        "key_id": hold.key_id,
        "user_id": hold.user_id,
        "day": hold.day,
        "hold_usd": usd(hold.hold_nano),
        "hold_tokens": hold.hold_tokens,
        "since": iso(hold.held_since_ms),
    }
