"""What AWS and Upstash ask for what is used, as prices.toml has it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).parent
CENT = Decimal("0.01")

FREE_OF_CHARGE = (
    "AWS::IAM::Role",
    "AWS::IAM::ManagedPolicy",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Route53::RecordSet",
    "AWS::WAFv2::WebACLAssociation",
)
"""Never billed. The zone of a record is, and the web ACL: these are yours, and not of the template."""

type Amounts = Mapping[str, Decimal]
"""How much of what is in prices.toml a month uses."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`usd` for every `per` of a unit, beyond `free` a month; `told` is page, second-hand or recalled.

    `what` is it in words, `resources` are the types of the template that it is the price of.

    With `plan` the free part is a plan of its own: who needs more pays for all.
    """

    what: str
    usd: Decimal
    per: Decimal
    unit: str
    free: Decimal
    told: str
    seen: date
    source: str
    plan: bool = False
    resources: tuple[str, ...] = ()

    def cost(self, used: Decimal, *, free: bool) -> Decimal:
        """USD for a month, not rounded; with `free` what is free is taken off first."""
        fits = used <= self.free
        billed = used if not free or (self.plan and not fits) else max(used - self.free, Decimal(0))
        return billed / self.per * self.usd


type Rates = Mapping[str, Rate]


def load(path: Path = HERE / "prices.toml") -> dict[str, Rate]:
    """The rates by name; numbers are exact."""
    found = tomllib.loads(path.read_text(), parse_float=Decimal)
    return {
        name: Rate(
            what=entry["what"],
            usd=Decimal(entry["usd"]),
            per=Decimal(entry["per"]),
            unit=entry["unit"],
            free=Decimal(entry["free"]),
            told=entry["told"],
            seen=entry["seen"],
            source=entry["source"],
            plan=entry.get("plan", False),
            resources=tuple(entry.get("resources", ())),
        )
        for name, entry in found.items()
    }


ALWAYS_FREE = frozenset({"parameters", "store_gb"})
"""What no other stack uses up: a limit of the account that nobody reaches, and the store's own."""


def usd(amount: Decimal) -> str:
    """Cents, and a hint where there is less than half of one."""
    if 0 < amount <= CENT / 2:
        return "< 0.01"
    return f"{amount.quantize(CENT):,.2f}"


def total(use: Amounts, rates: Rates, *, free: bool = True) -> Decimal:
    """USD for all of it. Without `free` the whole is billed, but for what never is."""
    return sum((rates[name].cost(used, free=free or name in ALWAYS_FREE) for name, used in use.items()), Decimal(0))
