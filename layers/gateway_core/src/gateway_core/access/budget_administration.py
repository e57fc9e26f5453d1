"""Budgets: set and shown."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import batched

from gateway_core.access.administrator import SCOPES_AT_ONCE, Administrator, Line, insisted
from gateway_core.access.budget_rows import budget_row
from gateway_core.access.key_lines import limit_fields
from gateway_core.domain.caller import Limits
from gateway_core.domain.errors import Conflict, InvalidRequest, UnknownProject


@dataclass(frozen=True, slots=True)
class BudgetPage:
    """Lines of some scopes, and behind which of them (`PROJECT:SCOPE`) the next page begins, None on the last one."""

    lines: list[Line]
    next_cursor: str | None


class BudgetAdministration(Administrator):
    """What concerns the budgets of projects and users; those of keys are changed with the keys."""

    __slots__ = ()

    async def set_budget(self, project_id: str, user_id: str, changes: Mapping[str, int | None]) -> Line:
        """Change the named limits of a project or user, None lifting one; the others stay. Answers with all of them.

        Raises UnknownProject for one that has no key, and ConfigError for limits that cannot be kept.
        """
        await self.check_project(project_id)
        for _ in self.tries():
            if after := await insisted(lambda: self._changed_budget(project_id, user_id, changes)):
                return {"project": project_id, "user": user_id, **limit_fields(after)}
        raise Conflict("Others change this budget at the same time. Try again.")

    async def _changed_budget(self, project_id: str, user_id: str, changes: Mapping[str, int | None]) -> Limits | None:
        """The limits as they are then, None if somebody else was faster."""
        before = await self._limits(project_id, user_id)
        after = replace(before, **changes)
        is_done = before == after or await self.store.change_budget(project_id, user_id, before, after)
        return after if is_done else None

    async def budget_pages(self, project_id: str | None, user_id: str | None) -> AsyncIterator[list[Line]]:
        """State of every budget and account of today and this month, of one project or of all; or of one user."""
        for project in [project_id] if project_id else await self.store.projects():
            for some in batched(await self._scopes(project, user_id), SCOPES_AT_ONCE):
                yield await self._lines_of(project, some)

    async def budget_page(self, project_id: str | None, user_id: str | None, *, after: str, limit: int) -> BudgetPage:
        """The same behind a cursor, `limit` scopes at most: by project, and in each by scope.

        Raises InvalidRequest for the cursor of another project. It need not be of a scope that is there.
        """
        project, _, scope = after.partition(":")
        if project_id and after and project != project_id:
            raise InvalidRequest("cursor: is of another project.", param="cursor", schema=True)
        projects = [project_id] if project_id else await self.store.projects()
        lines: list[Line] = []
        room = limit
        for each in projects[bisect_left(projects, project) :]:
            scopes = await self._scopes(each, user_id)
            left = [one for one in scopes if each != project or _order(one) > _order(scope)]
            shown = left[:room]
            lines += await self._lines_of(each, shown)
            room -= len(shown)
            if not room:
                has_more = len(left) > len(shown) or each != projects[-1]
                return BudgetPage(lines, f"{each}:{lines[-1]['scope']}" if has_more else None)
        return BudgetPage(lines, None)

    async def check_project(self, project_id: str) -> None:
        """Raises UnknownProject unless the project has a key, or had requests: an admin key may have made these."""
        if await self.store.residence(project_id) == "":
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

    async def _scopes(self, project_id: str, user_id: str | None) -> list[str]:
        if user_id:
            return [f"u:{user_id}"]
        return await self.store.budget_scopes(project_id, month=self.today()[:6])

    async def _lines_of(self, project_id: str, scopes: Sequence[str]) -> list[Line]:
        found = await self.store.budget_lines(project_id, day=self.today(), scopes=scopes)
        return [{"project": project_id, **budget_row(line)} for line in found]


def _order(scope: str) -> tuple[bool, str]:
    """As `budget_scopes` has them: the project before its keys and users."""
    return scope != "p", scope
