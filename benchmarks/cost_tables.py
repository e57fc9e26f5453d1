"""The tables of docs/cost.md, as the cost model counts.

`.venv/bin/python -m benchmarks.cost_tables` prints them, `--write` puts them there.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from benchmarks import cost_by_memory
from benchmarks.cost_model import (
    ALARMS,
    MEMORY_MB,
    PROD_ALARMS,
    SECONDS,
    SNAPSTART,
    TOLD_ALARMS,
    Job,
    Probe,
    idle_use,
    job_use,
    request_use,
    tool_use,
)
from benchmarks.prices import ALWAYS_FREE, CENT, Rates, load, total, usd

DOC = Path(__file__).parent.parent / "docs/cost.md"


def fine(amount: Decimal) -> str:
    """A hundredth of a cent, for what is less than a dollar."""
    step = CENT / 100
    return "< 0.0001" if 0 < amount <= step / 2 else f"{amount.quantize(step):,.4f}"


def number(amount: Decimal) -> str:
    """As few digits as tell it."""
    if amount == amount.to_integral_value():
        return f"{amount:,.0f}"
    return f"{amount:,.2f}" if amount >= 1 else f"{amount.normalize():f}"


def idle_table(rates: Rates) -> str:
    """Line by line, within what is free, and if other stacks have used that up."""
    lines = [
        "| what | price in USD | free each month | used while idle | USD | free part used up |",
        "|---|---|---|---|---|---|",
    ]
    use = idle_use()
    for name, used in use.items():
        rate = rates[name]
        mark = {"page": "", "second-hand": " ¹", "recalled": " ²"}[rate.told]
        costs = usd(rate.cost(used, free=True)), usd(rate.cost(used, free=name in ALWAYS_FREE))
        price = f"{rate.usd:f} per {rate.unit}" if rate.usd else "nothing"
        lines.append(
            f"| {rate.what} | {price}{mark} | {number(rate.free)} | {number(used)} | {costs[0]} | {costs[1]} |"
        )
    lines.append(f"| **sum** | | | | **{usd(total(use, rates))}** | **{usd(total(use, rates, free=False))}** |")
    return "\n".join(lines)


def request_table(rates: Rates) -> str:
    """1,000 and a million requests a month, in an account that has nothing else."""
    few, many, tools = request_use(1_000), request_use(1_000_000), tool_use(1_000_000)
    lines = [
        "| what | 1,000 requests | a million requests | a million, free part used up | the same by MCP tools |",
        "|---|---|---|---|---|",
    ]
    for name, used in many.items():
        rate = rates[name]
        costs = (
            rate.cost(few[name], free=True),
            rate.cost(used, free=True),
            rate.cost(used, free=name in ALWAYS_FREE),
            rate.cost(tools[name], free=name in ALWAYS_FREE),
        )
        lines.append(f"| {rate.what} | {' | '.join(usd(cost) for cost in costs)} |")
    sums = total(few, rates), total(many, rates), total(many, rates, free=False), total(tools, rates, free=False)
    lines.append(f"| **sum** | {' | '.join(f'**{usd(cost)}**' for cost in sums)} |")
    return "\n".join(lines)


def job_table(rates: Rates) -> str:
    """Two jobs, in an account that has used up what is free."""
    jobs = [Job(500), Job(10_000)]
    uses = [job_use(job) for job in jobs]
    titles = " | ".join(f"{job.questions:,} questions, USD" for job in jobs)
    lines = [f"| what | {titles} |", "|---|---|---|"]
    for name in uses[0]:
        costs = [rates[name].cost(use[name], free=name in ALWAYS_FREE) for use in uses]
        mark = {"page": "", "second-hand": " ¹", "recalled": " ²"}[rates[name].told]
        lines.append(f"| {rates[name].what}{mark} | {' | '.join(fine(cost) for cost in costs)} |")
    sums = " | ".join(f"**{fine(total(use, rates, free=False))}**" for use in uses)
    lines.append(f"| **sum** | {sums} |")
    return "\n".join(lines)


def option_table(rates: Rates) -> str:
    """What can be switched on, and costs while idle."""
    gigabytes = Decimal(sum(MEMORY_MB[name] for name in SNAPSTART)) / 1024
    kept = rates["snapstart_cache"].cost(gigabytes * SECONDS, free=False)
    restored = rates["snapstart_restore"].cost(Decimal(MEMORY_MB["Stream"]) / 1024, free=False)
    secrets = rates["secrets"].cost(Decimal(2), free=False)
    reads = rates["secret_reads"].cost(Decimal(2000), free=False)
    alarms = rates["alarms"].cost(Decimal(3 * ALARMS), free=True)
    told = rates["alarms"].cost(Decimal(ALARMS + TOLD_ALARMS), free=True)
    prod = rates["alarms"].cost(Decimal(ALARMS + PROD_ALARMS), free=True)
    acl, rule = (rates[name].cost(Decimal(1), free=False) for name in ("web_acls", "web_acl_rules"))
    looked = rates["web_acl_requests"].cost(Decimal(1_000_000), free=False)
    minute = total(idle_use(Probe(every_minutes=1)), rates, free=False)
    rows = [
        ("`SnapStart=on`", f"{usd(kept)} ({number(gigabytes)} GB)", f"{usd(restored * 1000)} for 1,000 cold starts"),
        ("`SecretsIn=secretsmanager`", f"{usd(secrets)} (2 secrets)", f"{usd(reads)} for 1,000 cold starts"),
        ("`AlarmTopicArn`", f"{usd(told)} ({TOLD_ALARMS} metrics of alarms more)", ""),
        ("`Stage=prod`, which has a canary", f"{usd(prod)} ({PROD_ALARMS} metrics of alarms more)", ""),
        ("alarms of three stacks in one account", f"{usd(alarms)} ({3 * ALARMS} metrics of alarms)", ""),
        ("`WebAclArn`: a web ACL of yours ²", f"{usd(acl)} and {usd(rule)} for a rule", f"{usd(looked)} for a million"),
        ("the probe every minute, free part used up", f"{usd(minute)} (all of the table above)", ""),
    ]
    lines = ["| what | USD a month | in use |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def tables(rates: Rates) -> dict[str, str]:
    """By the name of their place in docs/cost.md."""
    return cost_by_memory.tables(rates, MEMORY_MB) | {
        "idle": idle_table(rates),
        "requests": request_table(rates),
        "jobs": job_table(rates),
        "options": option_table(rates),
    }


def placed(text: str, made: Mapping[str, str]) -> str:
    """The document with each table between its marks. Raises ValueError where there are no marks."""
    for name, table in made.items():
        marks = f"<!-- cost_model: {name} -->\n", "<!-- end -->"
        pattern = re.compile(f"{re.escape(marks[0])}.*?{re.escape(marks[1])}", re.DOTALL)
        if not pattern.search(text):
            raise ValueError(f"docs/cost.md has no place for the table '{name}'.")
        # No table has a backslash, which `sub` would read as an escape.
        text = pattern.sub(f"{marks[0]}\n{table}\n\n{marks[1]}", text)
    return text


def main() -> None:
    """Print the tables or put them into the document."""
    parser = argparse.ArgumentParser(description="What the gateway costs in AWS and Upstash.")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/cost.md")
    made = tables(load())
    if parser.parse_args().write:
        DOC.write_text(placed(DOC.read_text(), made))
        return
    for name, table in made.items():
        print(f"{name}\n\n{table}\n")


if __name__ == "__main__":
    main()
