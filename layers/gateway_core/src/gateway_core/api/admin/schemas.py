"""Bodies and queries of `/admin/*`, and what they say in the store's terms."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from gateway_core.access import given_values
from gateway_core.access.reconciling import Charge
from gateway_core.api.body import Party, Strict
from gateway_core.domain.times import duration_s, moment_of
from gateway_core.store.budget import MAX_AMOUNT, Amount

_MOST_NAMES = 100
_RIGHTS = {
    "name": ("name", ""),
    "user_id": ("user_id", ""),
    "admin": ("admin", False),
    "groups": ("groups", ()),
    "tools": ("tools", ()),
    "models": ("models", ()),
    "api_base_hosts": ("api_base_hosts", ()),
    "expires_at": ("expires_ms", None),
}
"""By field of a body: the field of `KeyRecord`, and what null stands for."""
_LIMITS = {
    "day_usd": "day_nano",
    "month_usd": "month_nano",
    "day_tokens": "day_tokens",
    "month_tokens": "month_tokens",
    "rpm": "rpm",
    "tpm": "tpm",
}


def _nano(value: object) -> int:
    """Nano-USD from a decimal, as text or as a number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError("is not an amount of USD, as text or as a number")  # noqa: TRY004 - pydantic's way
    return given_values.nano_usd(str(value))


def _attempt(text: object) -> tuple[str, int]:
    return given_values.attempt(text if isinstance(text, str) else "")


def _age(value: object) -> int:
    return duration_s(value if isinstance(value, str) else str(value))


def _charge(value: object) -> Charge:
    if value == "known":
        return "known"
    return "bound" if value == "bound" else Amount(_nano(value))


type Project = Annotated[str, Field(pattern=given_values.PROJECT)]
type Usd = Annotated[
    int,
    BeforeValidator(_nano),
    WithJsonSchema({"type": ["string", "number"], "description": "USD, 9 decimals at most"}),
]
type Count = Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
type Rate = Annotated[int, Field(ge=1, le=MAX_AMOUNT)]
type Title = Annotated[str, AfterValidator(given_values.title)]
type Names = Annotated[list[Annotated[str, Field(min_length=1, max_length=128)]], Field(max_length=_MOST_NAMES)]
type Pattern = Annotated[str, Field(max_length=256, pattern=given_values.MODELS)]
type Host = Annotated[str, Field(max_length=253, pattern=given_values.HOST), AfterValidator(given_values.host)]
type Hosts = Annotated[list[Host], Field(max_length=_MOST_NAMES)]
type Moment = Annotated[int, BeforeValidator(moment_of), WithJsonSchema({"type": "string", "format": "date-time"})]
type Month = Annotated[str, Field(pattern=given_values.MONTH)]
type State = Literal["open", "unconfirmed", "estimated"]
type Age = Annotated[int, BeforeValidator(_age), WithJsonSchema({"type": ["string", "integer"], "examples": ["2h"]})]


class BudgetFields(Strict):
    """Budgets of a scope; what is null has no limit."""

    day_usd: Usd | None = None
    month_usd: Usd | None = None
    day_tokens: Count | None = None
    month_tokens: Count | None = None

    def limits(self) -> dict[str, int | None]:
        """What was named, by the names of `Limits`."""
        return {_LIMITS[name]: getattr(self, name) for name in _LIMITS if name in self.model_fields_set}


class KeyFields(BudgetFields):
    """What a key may do; what is null is as if it were never set."""

    name: Title | None = None
    user_id: Party | None = None
    admin: bool | None = None
    groups: Names | None = None
    tools: Names | None = None
    models: Annotated[list[Pattern], Field(max_length=_MOST_NAMES)] | None = None
    api_base_hosts: Hosts | None = None
    rpm: Rate | None = None
    tpm: Rate | None = None
    expires_at: Moment | None = None

    def rights(self) -> dict[str, Any]:
        """What was named, by the names of `KeyRecord`."""
        named = [(field, getattr(self, name), null) for name, (field, null) in _RIGHTS.items() if self._has(name)]
        return {field: null if value is None else _frozen(value) for field, value, null in named}

    def _has(self, name: str) -> bool:
        return name in self.model_fields_set


class KeyBody(KeyFields):
    """POST /admin/keys."""

    project_id: Project


class RotateBody(Strict):
    """POST /admin/keys/{id}/rotate."""

    overlap_s: Annotated[int, Field(ge=0, le=given_values.MOST_OVERLAP_S)] = 86_400


class KeysQuery(Strict):
    """GET /admin/keys."""

    project_id: Project
    cursor: Annotated[str, Field(max_length=64)] = ""
    limit: Annotated[int, Field(strict=False, ge=1, le=500)] = 100


class BudgetBody(BudgetFields):
    """PUT and PATCH /admin/budgets."""

    project_id: Project
    user_id: Party | None = None


class BudgetsQuery(Strict):
    """GET /admin/budgets. `limit` counts scopes."""

    project_id: Project | None = None
    user_id: Party | None = None
    cursor: Annotated[str, Field(max_length=320, pattern=r"^([a-z0-9-]{1,32}:(p|[ku]:(?s:.)+))?$")] = ""
    limit: Annotated[int, Field(strict=False, ge=1, le=500)] = 100


class HoldsQuery(Strict):
    """GET /admin/holds: as `gateway usage reconcile` selects."""

    project_id: Project | None = None
    month: Month | None = None
    state: State | None = None
    older_than: Age = 0
    limit: Annotated[int, Field(strict=False, ge=1, le=1000)] = 100


class ReleaseBody(Strict):
    """POST /admin/holds/release: of one hold, or of all that are selected and that nobody works on."""

    hold: Annotated[tuple[str, int], BeforeValidator(_attempt), WithJsonSchema({"type": "string"})] | None = None
    project_id: Project | None = None
    month: Month | None = None
    state: State | None = None
    older_than: Age = 0
    charge: Annotated[Any, BeforeValidator(_charge), WithJsonSchema({"type": ["string", "number"]})] = None
    charge_tokens: Count = 0
    dry_run: bool = False


def _frozen(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value
