"""Budgets: set and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from itertools import batched

from gateway_core.access.administrator import MOST_TRIES, SCOPES_AT_ONCE, Administrator, Line
from gateway_core.access.budget_rows import budget_row
from gateway_core.access.key_lines import limit_fields
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Conflict, UnknownProject


class BudgetAdministration(Administrator):
    """What concerns the budgets of projects and users; those of keys are changed with the keys."""

    __slots__ = ()

    async def set_budget(self, project_id: str, user_id: str, changes: Mapping[str, int | None]) -> Line:
        """Change the named limits of a project or user, None lifting one; the others stay. Answers with all of them.

        Raises UnknownProject for one that has no key, and ConfigError for limits that cannot be kept.
        """
        await self.check_project(project_id)
        for _ in range(MOST_TRIES):
            before = await self._limits(project_id, user_id)
            after = replace(before, **changes)
            if before == after or await self.store.change_budget(project_id, user_id, before, after):
                return {"project": project_id, "user": user_id, **limit_fields(after)}
        raise Conflict("Others change this budget at the same time. Try again.")

    async def show_budgets(self, project_id: str | None, user_id: str | None) -> list[Line]:
        """State of every budget and account of today and this month, of one project or of all; or of one user."""
        projects = [project_id] if project_id else await self.store.projects()
        return [line for project in projects for line in await self._budget_lines(project, user_id)]

    async def check_project(self, project_id: str) -> None:
        """Raises UnknownProject unless the project has a key, or had requests: an admin key may have made these."""
        if not await self.store.list_keys(project_id) and project_id not in await self.store.projects():
            close = get_close_matches(project_id, await self.store.residents(), n=1)
            hint = f" Did you mean {close[0]}?" if close else ""
            raise UnknownProject(
                f"There is no project {project_id!r}: no key is of it.{hint} A project begins with its first key: "
                f"gateway keys create --project {project_id}.",
                param="project_id",
            )

    async def _limits(self, project_id: str, user_id: str) -> Limits:
        scope = f"u:{user_id}" if user_id else "p"
        day, month = await self.store.budget_lines(project_id, day=self.today(), scopes=[scope])
        return Limits(day.limit_nano, month.limit_nano, day.limit_tokens, month.limit_tokens)

    async def _budget_lines(self, project_id: str, user_id: str | None) -> list[Line]:
        day = self.today()
        scopes = [f"u:{user_id}"] if user_id else await self.store.budget_scopes(project_id, month=day[:6])
        lines: list[Line] = []
        for some in batched(scopes, SCOPES_AT_ONCE):
            found = await self.store.budget_lines(project_id, day=day, scopes=some)
            lines += [{"project": project_id, **budget_row(line)} for line in found]
        return lines
