"""What an operator does to keys and budgets, each answered with what is now true, ready to print as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway_core.access.budget_rows import budget_row
from gateway_core.access.reconciling import Reconciling
from gateway_core.domain.caller import Limits
from gateway_core.domain.cost import usd
from gateway_core.domain.errors import InvalidRequest
from gateway_core.domain.times import day_key, iso, utc_date
from gateway_core.ports import Clock, OperatorStore
from gateway_core.store.virtual_keys import KeyRecord, digest_of, new_key

type Line = dict[str, object]
SCOPES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Administration:
    """Works on one store. Every method raises StoreUnavailable, and ConfigError for limits that cannot be kept."""

    store: OperatorStore
    clock: Clock

    @property
    def reconciling(self) -> Reconciling:
        """What concerns holds."""
        return Reconciling(self.store, self.clock)

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

    async def show_budgets(self, project_id: str | None, user_id: str | None) -> list[Line]:
        """State of every budget and account of today and this month, of one project or of all; or of one user."""
        projects = [project_id] if project_id else await self.store.projects()
        return [line for project in projects for line in await self._budget_lines(project, user_id)]

    async def _budget_lines(self, project_id: str, user_id: str | None) -> list[Line]:
        day = self._today()
        scopes = [f"u:{user_id}"] if user_id else await self.store.budget_scopes(project_id, month=day[:6])
        lines: list[Line] = []
        for first in range(0, len(scopes), SCOPES_AT_ONCE):
            some = scopes[first : first + SCOPES_AT_ONCE]
            found = await self.store.budget_lines(project_id, day=day, scopes=some)
            lines += [{"project": project_id, **budget_row(line)} for line in found]
        return lines

    def _today(self) -> str:
        return day_key(utc_date(self.clock.now_ms()))


def _key_line(record: KeyRecord) -> Line:
    return {
        "id": record.id,
        **({"name": record.name} if record.name else {}),
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
