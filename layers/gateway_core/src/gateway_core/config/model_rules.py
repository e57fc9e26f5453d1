"""What models refuse: the packaged rows, and what the operator's catalog says instead of them.

`model_rules.yaml` has them. Its first row that fits a provider and its name for a model counts.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from gateway_core.config.documents import Schema, packaged, read_yaml, validate
from gateway_core.domain.errors import ConfigError
from gateway_core.domain.model_rules import (
    EFFORTS,
    MAX_TOKENS_PER_S,
    NO_RULES,
    OPTIONS,
    Effort,
    ModelRules,
    ThinkingForm,
    Thinks,
)
from gateway_core.wires.demands import DEMANDS
from gateway_core.wires.table import maker_of

RULES = "model_rules.yaml"
_NEVER = ModelRules(thinks="never", efforts=())
"""What a packaged row that does not speak of thinking says of it."""


def _demand(name: str) -> str:
    return _one_of(name, DEMANDS, "demand")


def _option(name: str) -> str:
    return _one_of(name, OPTIONS, "option")


def _one_of(name: str, known: frozenset[str], what: str) -> str:
    if name not in known:
        raise ValueError(f"there is no such {what}; choose of {', '.join(sorted(known))}")
    return name


type Demand = Annotated[str, AfterValidator(_demand)]
type Option = Annotated[str, AfterValidator(_option)]
type Tokens = Annotated[int, Field(ge=0)]
type Url = Annotated[str, StringConstraints(pattern=r"^https://\S+$")]


class RulesEntry(Schema):
    """The fields of `ModelRules`, of which an entry gives some."""

    thinks: Thinks = "asked"
    thinking_form: ThinkingForm = ""
    efforts: list[Effort] | None = None
    least_thinking_tokens: Tokens = 0
    cannot: list[Demand] = Field(default_factory=list)
    refuses: list[Option] = Field(default_factory=list)
    refuses_thinking: list[Option] = Field(default_factory=list)
    most_temperature: Annotated[float, Field(ge=0, le=2)] = 2.0
    one_of_temperature_and_top_p: bool = False
    least_top_p_thinking: Annotated[float, Field(ge=0, le=1)] = 0.0
    forces_tools_thinking: bool = True
    chat_tools_thinking: bool = True
    stop_needs_text: bool = False
    most_stops: Annotated[int, Field(gt=0)] = 1000
    takes_prefill: bool = True
    takes_late_system: bool = False
    takes_budgets: bool = False
    output_efforts: list[Effort] = Field(default_factory=list)
    edits_context: bool = False
    schema_refuses: list[str] = Field(default_factory=list)
    max_tokens_per_s: Annotated[int, Field(gt=0)] = MAX_TOKENS_PER_S
    source: Url = ""


class _Row(Schema):
    """What is said of some models: `models` are patterns of the provider's names for them, `as_of` when it was so."""

    provider: str
    models: Annotated[list[str], Field(min_length=1)]
    source: Url
    as_of: date

    def fits(self, upstream_model: str) -> bool:
        return any(fnmatchcase(upstream_model, pattern) for pattern in self.models)


class RulesRow(RulesEntry, _Row):
    """The rules of some models."""

    source: Url


class SpeedRow(_Row):
    """How fast some models write at most; these rows are apart, as rules do not tell small models from large ones."""

    max_tokens_per_s: Annotated[int, Field(gt=0)]


class RulesFile(Schema):
    rules: list[RulesRow]
    speeds: list[SpeedRow]


def rules_for(provider: str, upstream_model: str) -> ModelRules:
    """The rules of the first row that fits, or none; and the speed likewise."""
    provider, upstream_model = maker_of(provider, upstream_model)
    rules = next((rules for row, rules in _rows().get(provider, ()) if row.fits(upstream_model)), NO_RULES)
    speeds = (
        row.max_tokens_per_s for row in packaged_speeds() if row.provider == provider and row.fits(upstream_model)
    )
    fastest = next(speeds, None)
    return rules if fastest is None else replace(rules, max_tokens_per_s=fastest)


def merged_rules(packaged_rules: ModelRules, entry: RulesEntry | None, where: str) -> ModelRules:
    """The packaged rules with the operator's fields in their place. Raises ConfigError that names the field."""
    rules = replace(packaged_rules, **_given(entry)) if entry else packaged_rules
    if rules.thinks == "never" and rules.efforts is None:
        rules = replace(rules, efforts=())
    problem = _problem(rules)
    if problem:
        raise ConfigError(f"{where}.{problem}")
    return rules


def packaged_rows() -> tuple[RulesRow, ...]:
    """All rules that ship with the package, in their order."""
    return tuple(_file().rules)


def packaged_speeds() -> tuple[SpeedRow, ...]:
    """The same of speeds."""
    return tuple(_file().speeds)


@cache
def _file() -> RulesFile:
    """What ships with the package never changes while the process lives."""
    return validate(RulesFile, read_yaml(packaged(RULES), RULES), RULES)


@cache
def _rows() -> dict[str, tuple[tuple[RulesRow, ModelRules], ...]]:
    """By provider."""
    rows: dict[str, tuple[tuple[RulesRow, ModelRules], ...]] = {}
    for number, row in enumerate(packaged_rows()):
        rules = merged_rules(_NEVER, row, f"{RULES}: rules.{number}")
        rows[row.provider] = (*rows.get(row.provider, ()), (row, rules))
    return rows


def _given(entry: RulesEntry) -> dict[str, Any]:
    """The fields of `ModelRules` that an entry sets, in its types."""
    names = entry.model_fields_set & RulesEntry.model_fields.keys()
    given = {name: getattr(entry, name) for name in names}
    sets = {name: frozenset(value) for name, value in given.items() if isinstance(value, list)}
    levels = {name: given[name] for name in ("efforts", "output_efforts") if given.get(name) is not None}
    return given | sets | {name: tuple(sorted(set(found), key=EFFORTS.index)) for name, found in levels.items()}


def _problem(rules: ModelRules) -> str:
    """What does not go together, with the field's name before it; empty if all does."""
    if rules.efforts is None:
        return ""
    can_be_off = "none" in rules.efforts
    match rules.thinks:
        case "never" if rules.efforts:
            return "efforts: the model never thinks. Set thinks, or remove the efforts."
        case "always" if can_be_off:
            return "efforts: the model always thinks. Remove none, or set thinks to default or asked."
        case "asked" | "default" if not can_be_off:
            return f"efforts: a model that thinks {rules.thinks!r} can do without. Add none, or set thinks to always."
        case _:
            return ""
