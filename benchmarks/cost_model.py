"""What the gateway costs in AWS and Upstash, without the models: idle, by request and job, and with what can be on.

`.venv/bin/python -m benchmarks.cost_model` prints the tables of docs/cost.md, `--write` puts them there. Prices are in
prices.toml beside it, what is used in `idle_use`, `request_use` and `job_use`; everything else follows.
"""

from __future__ import annotations

import argparse
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import ceil
from pathlib import Path

HERE = Path(__file__).parent
DOC = HERE.parent / "docs/cost.md"
DAYS = 30
SECONDS = DAYS * 24 * 3600
CENT = Decimal("0.01")

MEMORY_MB: Mapping[str, int] = {
    "Complete": 512,
    "Stream": 512,
    "Ask": 512,
    "JobWorker": 1024,
    "Embed": 1024,
    "Tokens": 1024,
    "Mcp": 512,
    "Usage": 512,
    "Admin": 512,
    "Models": 512,
    "Health": 512,
    "Probe": 256,
    "Invoices": 256,
    "Replay": 256,
}
"""MB by function, as in template.yaml."""
SNAPSTART = frozenset({"Ask", "Complete", "Embed", "Mcp", "Stream", "Tokens"})
"""Functions that have one with the parameter; the others start soon enough."""
ALARMS = 10
"""Metrics that the template's alarms look at; the first ten of an account are free."""
TOLD_ALARMS = 7
"""Those that are there only with `AlarmTopicArn`."""
PROD_ALARMS = 14
"""Those that are there only with `Stage=prod`."""
REPORT_BYTES = 700
"""Of a log: what Lambda itself says of each invocation, `platform.start` and `platform.report`."""
POLLERS = 5
POLLS_A_MINUTE = 3
"""Lambda asks a queue by so many at once, each for 20 s:
https://aws.amazon.com/blogs/compute/understanding-how-aws-lambda-scales-when-subscribed-to-amazon-sqs-queues/."""

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


@dataclass(frozen=True, slots=True)
class Probe:
    """The scheduled probe. A start that is not warm reads the parameters, each of which is one decryption.

    Every hour it also looks through the holds: a command for the projects, and for one of these two months.
    """

    every_minutes: int = 5
    seconds: Decimal = Decimal("1.5")
    cold_share: Decimal = Decimal("0.1")
    parameters: int = 6
    log_bytes: int = 2_000
    metrics: int = 5
    store_commands: int = 1
    hourly_commands: int = 3

    @property
    def rounds(self) -> Decimal:
        """A month's, of all providers."""
        return Decimal(SECONDS // 60 // self.every_minutes)

    @property
    def looks(self) -> Decimal:
        """A month's, through the holds."""
        return Decimal(SECONDS // 3600)

    @property
    def runs(self) -> Decimal:
        """All of them."""
        return self.rounds + self.looks

    @property
    def commands(self) -> Decimal:
        """Of the store."""
        return self.rounds * self.store_commands + self.looks * self.hourly_commands


@dataclass(frozen=True, slots=True)
class Request:
    """A typical completion or stream. It is billed while it waits for the model; traces are at their greatest."""

    seconds: Decimal = Decimal(5)
    memory_mb: int = MEMORY_MB["Stream"]
    cold_share: Decimal = Decimal("0.01")
    cold_seconds: Decimal = Decimal("1.5")
    parameters: int = 6
    answer_bytes: int = 8_000
    log_bytes: int = 3_000
    events: int = 1
    store_commands: int = 10
    record_bytes: int = 200


@dataclass(frozen=True, slots=True)
class Job:
    """A job of /ask on AWS, whose questions never wait for a limit, and whose results are read once.

    A step works for as long as its invocation has time, writes a group of answers each second, and begins by reading
    what the steps before it wrote. A step is counted as two operations, its start and its end; a pause and the
    execution are one each. The caller's requests, `looks` of them without results, are billed as any others.
    """

    questions: int
    seconds: Decimal = Decimal(5)
    at_once: int = 16
    memory_mb: int = MEMORY_MB["JobWorker"]
    cold_seconds: Decimal = Decimal(6)
    step_seconds: int = 880
    lines_read: int = 500
    lines_shown: int = 100
    keys_listed: int = 1000
    looks: int = 10
    operation_bytes: int = 1_000
    question_bytes: int = 500
    answer_bytes: int = 2_000
    days_kept: int = 7
    claim_commands: int = 4
    commands: int = 25

    @property
    def work_s(self) -> Decimal:
        """How long it takes, pauses left out."""
        return self.questions * self.seconds / self.at_once

    @property
    def steps(self) -> int:
        return ceil(self.work_s / self.step_seconds)

    @property
    def operations(self) -> int:
        return 1 + 2 * self.steps + (self.steps - 1)

    @property
    def groups(self) -> int:
        """Of answers, each an object in S3."""
        return min(self.questions, ceil(self.work_s))

    def lists(self, lines: int, page: int) -> int:
        """Requests to list the groups, when so many lines are read by pages: each page lists all groups."""
        return (ceil(lines / page) + 1) * max(1, ceil(self.groups / self.keys_listed))


METRICS_IN_USE = 7 + 2 * 4 + 5
"""Custom metrics that get a value in every hour of the month: seven of a request, two of them also for each of four
providers, and the probe's. Failures add theirs by the hour."""
ALWAYS_FREE = frozenset({"parameters", "store_gb"})
"""What no other stack uses up: a limit of the account that nobody reaches, and the store's own."""
GB = Decimal(10**9)


def idle_use(probe: Probe = Probe()) -> dict[str, Decimal]:
    """What a month without a request uses: the probe, and what is just there."""
    runs = probe.runs + DAYS  # once a day it is looked whether anybody's invoices are to be compared
    return {
        "lambda_requests": runs,
        "lambda_gb_seconds": runs * probe.seconds * MEMORY_MB["Probe"] / 1024,
        "api_requests": Decimal(0),
        "alarms": Decimal(ALARMS),
        "dashboards": Decimal(1),
        "custom_metrics": Decimal(probe.metrics),
        "log_ingestion": runs * (probe.log_bytes + REPORT_BYTES) / GB,
        "traces": runs,
        "scheduler": runs,
        "events": Decimal(0),
        "queue_requests": Decimal(POLLERS * POLLS_A_MINUTE * SECONDS // 60),
        "parameters": Decimal(probe.parameters),
        "decryptions": runs * probe.cold_share * probe.parameters,
        "artifacts": Decimal("0.1"),
        "job_storage": Decimal(0),
        "store_commands": probe.commands,
        "store_gb": Decimal("0.01"),
    }


def request_use(requests: int, about: Request = Request()) -> dict[str, Decimal]:
    """What so many requests a month use, on top of `idle_use`."""
    count = Decimal(requests)
    seconds = about.seconds + about.cold_share * about.cold_seconds
    return {
        "lambda_requests": count,
        "lambda_gb_seconds": count * seconds * about.memory_mb / 1024,
        "api_requests": count,
        "data_out": count * about.answer_bytes / GB,
        "custom_metrics": Decimal(METRICS_IN_USE),
        "log_ingestion": count * (about.log_bytes + REPORT_BYTES) / GB,
        "traces": min(count, Decimal(SECONDS)),
        "events": count * about.events,
        "decryptions": count * about.cold_share * about.parameters,
        "store_commands": count * about.store_commands,
        "store_gb": count * about.record_bytes / GB,
    }


def tool_use(calls: int, about: Request = Request()) -> dict[str, Decimal]:
    """What so many calls of MCP tools use: each is a request, for which a second function waits."""
    used, count = request_use(calls, about), Decimal(calls)
    seconds = about.seconds + about.cold_share * about.cold_seconds
    more = {
        "lambda_requests": count,
        "lambda_gb_seconds": count * seconds * MEMORY_MB["Mcp"] / 1024,
        "log_ingestion": count * REPORT_BYTES / GB,
    }
    return {name: amount + more.get(name, 0) for name, amount in used.items()}


def job_use(job: Job, about: Request = Request()) -> dict[str, Decimal]:
    """What one job uses: the month that the prices are for has no other."""
    questions, done = Decimal(job.questions), [number / Decimal(job.steps) for number in range(job.steps)]
    lines_before = [int(job.questions * share) for share in done]
    shown = ceil(job.questions / job.lines_shown)
    reads = job.steps + sum(int(job.groups * share) for share in done) + job.groups + shown
    lists = sum(job.lists(lines, job.lines_read) for lines in lines_before) + job.lists(job.questions, job.lines_shown)
    history = Decimal(job.operations * job.operation_bytes) / GB
    kept = questions * (job.question_bytes + job.answer_bytes) / GB
    requests = Decimal(1 + job.looks + shown)
    return {
        "lambda_requests": job.steps + requests,
        "lambda_gb_seconds": (job.work_s + job.steps * job.cold_seconds + requests) * job.memory_mb / 1024,
        "durable_operations": Decimal(job.operations),
        "durable_written": history,
        "durable_kept": history / DAYS,
        "api_requests": requests,
        "s3_writes": Decimal(1 + job.groups + lists),
        "s3_reads": Decimal(reads),
        "job_storage": kept * job.days_kept / DAYS,
        "log_ingestion": questions * about.log_bytes / GB,
        "events": questions * about.events,
        "store_commands": questions * about.store_commands + job.groups * job.claim_commands + job.commands,
    }


# Tables.

FREE_OF_CHARGE = (
    "AWS::IAM::Role",
    "AWS::IAM::ManagedPolicy",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::Route53::RecordSet",
    "AWS::WAFv2::WebACLAssociation",
)
"""Never billed. The zone of a record is, and the web ACL: these are yours, and not of the template."""


def usd(amount: Decimal) -> str:
    """Cents, and a hint where there is less than half of one."""
    if 0 < amount <= CENT / 2:
        return "< 0.01"
    return f"{amount.quantize(CENT):,.2f}"


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


def total(use: Amounts, rates: Rates, *, free: bool = True) -> Decimal:
    """USD for all of it. Without `free` the whole is billed, but for what never is."""
    return sum((rates[name].cost(used, free=free or name in ALWAYS_FREE) for name, used in use.items()), Decimal(0))


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
    from benchmarks import cost_by_memory  # noqa: PLC0415 - it counts by this model

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
