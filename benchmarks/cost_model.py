"""What the gateway costs in AWS and Upstash, without the models: idle, by request and job, and with what can be on.

Prices are in prices.toml beside it, what is used in `idle_use`, `request_use` and `job_use`; everything else follows.
`benchmarks.cost_tables` makes tables of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

DAYS = 30
SECONDS = DAYS * 24 * 3600

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
