"""Names and formats in Redis. Every key is known before a script runs, because its names are in the request.

    prj:{project}             hash    k|{digest} a secret of a key: "limits|rights", j|{issuer}|{subject} the same of a
                                      user of tokens; b|p and b|u:{user} budgets; i|{digest} the id of the key that a
                                      request made which may be sent again;
                                      rq|{key id}, tk|{key id} rate limits of a key, td|{key id} what it owes; due,
                                      from when on the first of those in ux:{project} waits; guest, where its keys
                                      are copies, and home, where it was moved to, of several databases
    mv:{project}              hash    the same while it is moved to another database
    bud:{project}:{YYYYMM}    hash    {scope}|M and {scope}|D{DD} accounts, {scope}|EM and {scope}|E{DD} what of them
                                      is estimated; h|{request}.{attempt} open holds, x|... unconfirmed ones,
                                      e|... what was booked as an estimate; s|{request} marks; c...|... and i|...
                                      counters and their names, see `gateway_core.store.counters`          400 days
    ux:{project}              zset    unconfirmed attempts, {YYYYMMDD}:{request}.{attempt}, by when their wait to be
                                      booked began                                62 days after its last write
    pv                        hash    cb|{provider}|{deployment} breaker; ew|..., ft|... latency of whole answers and
                                      first contents; rl|... the limits that the provider reports;
                                      rq|{provider}, tk|{provider} limits that we set, td|{provider} what is owed
    agg:{project}:{YYYYMMDD}  hash    counters of earlier releases, see `gateway_core.store.earlier_counters`
                                                                                                         400 days
    use:{project}:{YYYYMMDD}:{HH}
                              stream  one record an entry, in field d; without the hour, from earlier releases  31 days
    rc:{project}:{digest}     string  an answer that is kept for equal requests         as long as is configured
    rh:{project}:{request}    string  the wait of a hit of these that is not recorded yet                    30 days
    job:{project}:{token}     hash    a job: facts, state, error, ended, worker, lease, progress               7 days
    jb:{project}:{token}      string  its questions, and jl:... a hash of what became of them, by number, where no
                                      bucket has them                                                        7 days
    ji:{project}:{digest}     string  the job that was made by this idempotency key                          7 days
    jo:{project}              zset    its jobs that have not ended, by when they are to have                 7 days
    jobs                      zset    the same of all projects
    projects                  set     every project that had a request
    inv:{provider}:{YYYYMMDD} string  what a provider said that it billed, beside what was booked         400 days
    probes                    string  what the last probes of all providers found      1 day after it is stale

Names that a caller chooses are percent-encoded; formats of values are told where `lua/` reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any
from urllib.parse import unquote

from gateway_core.adapters.upstash.key_fields import key_field
from gateway_core.adapters.upstash.reading import moment, named, one_of, whole
from gateway_core.domain.caller import Limits
from gateway_core.domain.compact_json import compact
from gateway_core.domain.rates import ReportedLimit
from gateway_core.domain.times import LATEST_MS
from gateway_core.store.budget import Account, Amount
from gateway_core.store.changes import BreakerState
from gateway_core.store.counters import Counters, encode
from gateway_core.store.deployment_state import Measured
from gateway_core.store.jobs import Job, JobName, JobState, parse_job
from gateway_core.store.key_changes import KeyChange
from gateway_core.store.probes import Probe, parse_probe
from gateway_core.store.rate_limit import LimitCounter, ProviderLimits
from gateway_core.store.records import UsageRecord
from gateway_core.store.soundness import check_types
from gateway_core.store.virtual_keys import KeyRecord, own_part_of, rights_json, with_rights

PROJECTS = "projects"
PROBES = "probes"
DEPLOYMENTS = "pv"
OPEN_JOBS = "jobs"
GUEST, HOME = "guest", "home"
_RECORD_VERSION = 1
_RECORD_VALUES = attrgetter(*(member.name for member in fields(UsageRecord)))
_PROBES_VERSION = 1
_STATES: dict[str, BreakerState] = {"c": "closed", "o": "open", "h": "half_open"}
JOB_STATES: dict[str, JobState] = {
    "queued": "queued",
    "running": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "cancelled": "cancelled",
}


def project_key(project_id: str) -> str:
    return f"prj:{project_id}"


def moving_key(project_id: str) -> str:
    return f"mv:{project_id}"


def budget_key(project_id: str, month: str) -> str:
    return f"bud:{project_id}:{month}"


def unconfirmed_key(project_id: str) -> str:
    return f"ux:{project_id}"


def deployment_field(kind: str, provider: str, deployment_id: str) -> str:
    return f"{kind}|{encode(provider)}|{deployment_id}"


def counters_key(project_id: str, day: str) -> str:
    return f"agg:{project_id}:{day}"


def records_key(project_id: str, day: str, hour: str = "") -> str:
    """The stream of an hour; without it, that of a day as earlier releases wrote it."""
    return f"use:{project_id}:{day}:{hour}" if hour else f"use:{project_id}:{day}"


def answer_key(project_id: str, entry: str) -> str:
    return f"rc:{project_id}:{entry}"


def hit_key(project_id: str, request_id: str) -> str:
    return f"rh:{project_id}:{request_id}"


def job_key(name: JobName) -> str:
    return f"job:{name.project_id}:{name.token}"


def job_input_key(name: JobName) -> str:
    return f"jb:{name.project_id}:{name.token}"


def job_log_key(name: JobName) -> str:
    return f"jl:{name.project_id}:{name.token}"


def idempotency_key(project_id: str, digest: str) -> str:
    return f"ji:{project_id}:{digest}"


def open_jobs_key(project_id: str) -> str:
    return f"jo:{project_id}"


def encode_scope(scope: str) -> str:
    """A scope as it stands in a field: `p`, `k:{key}` or `u:{user}` with the name encoded."""
    letter, colon, name = scope.partition(":")
    return f"{letter}{colon}{encode(name)}"


def budget_field(user_id: str) -> str:
    """Field of the budget of a user, or of the project if the user is empty."""
    return f"b|u:{encode(user_id)}" if user_id else "b|p"


def account_fields(scope: str, day: str) -> tuple[str, str, str, str]:
    """Fields of a scope's day and month, each with that of what is estimated of it."""
    name, number = encode_scope(scope), day[6:]
    return f"{name}|D{number}", f"{name}|E{number}", f"{name}|M", f"{name}|EM"


def day_field(key_id: str, day: str) -> str:
    """Field of a key's day."""
    return account_fields(f"k:{key_id}", day)[0]


def scope_of(field: str) -> str:
    """The scope of an account's field, its name decoded."""
    letter, colon, name = field.partition("|")[0].partition(":")
    return f"{letter}{colon}{unquote(name)}"


def pack_budget(limits: Limits) -> str:
    return _pack(limits.day_nano, limits.month_nano, limits.day_tokens, limits.month_tokens)


def parse_budget(what: str, text: str | None) -> Limits:
    """The limits of a budget, none if there is no text. Raises StoreUnreadable: an unreadable limit is not none."""
    with named(f"budget {what}"):
        return Limits() if text is None else _limits(text, 4)


def pack_key(record: KeyRecord) -> str:
    return f"{_pack_limits(record.limits)}|{rights_json(record)}"


def pack_change(change: KeyChange) -> tuple[str, str, str, str]:
    """A change as `lua/change.lua` reads it: the field, limits and tag as they were read, and what is to be."""
    before, after = change.before, change.after
    limits = "" if before is None else _pack_limits(before.limits)
    tag = "" if before is None else before.rights_tag
    return key_field(change.record.digest), limits, tag, "" if after is None else pack_key(after)


def parse_key(project_id: str, digest: str, text: str) -> KeyRecord:
    """A key. Raises StoreUnreadable."""
    with named(f"key key_{project_id}_{own_part_of(digest)}"):
        limits, _, rights = text.partition("|")
        return with_rights(project_id, digest, _limits(limits, 6), rights)


def parse_account(text: str | None, estimated: str | None) -> Account:
    spent, held, spent_tokens, held_tokens = map(whole, ("0;0;0;0" if text is None else text).split(";"))
    guess, guess_tokens = map(whole, ("0;0" if estimated is None else estimated).split(";"))
    return Account(Amount(spent, spent_tokens), Amount(held, held_tokens), Amount(guess, guess_tokens))


def is_used(account: str) -> bool:
    """Whether anything is spent or held in an account."""
    return account != "0;0;0;0"


def parse_breaker(text: str | None) -> tuple[BreakerState, int, int]:
    """State, failures and deadline."""
    state, failures, _, until, *_ = ("c;0;0;0;0;0" if text is None else text).split(";")
    return _STATES[state], whole(failures), moment(until)


def parse_latency(text: str | None) -> Measured | None:
    if text is None:
        return None
    average_us, at_ms = text.split(";")
    return Measured(whole(average_us) / 1000, moment(at_ms))


def parse_provider_limits(text: str | None) -> ProviderLimits | None:
    if text is None:
        return None
    until, requests, tokens = text.split(";")
    return ProviderLimits(moment(until), _parse_limit_counter(requests), _parse_limit_counter(tokens))


def _parse_limit_counter(text: str) -> LimitCounter:
    seen, limit, remaining, reset, sequence, count, tat = map(int, text.split(","))
    quota = ReportedLimit(*(None if number < 0 else number for number in (limit, remaining, reset)))
    if max(seen, reset) > LATEST_MS:
        raise ValueError("no date")
    return LimitCounter(quota, seen, sequence, count, tat)


def pack_counters(counters: Counters) -> str:
    return re.sub("(,0)*$", "", ",".join(map(str, counters.vector)))


def parse_counters(text: str) -> Counters:
    return Counters.of([int(number) for number in text.split(",")])


def pack_record(record: UsageRecord) -> str:
    """A record as a JSON array: names would more than double the size of what is stored most."""
    return compact((_RECORD_VERSION, *_RECORD_VALUES(record)))


def parse_record(text: str) -> UsageRecord:
    _version, *values = json.loads(text)
    # A newer version beside this one may have written more.
    record = UsageRecord(*values[: len(fields(UsageRecord))])
    check_types(record)
    if not 0 <= record.at_ms <= LATEST_MS:
        raise ValueError
    return record


def parse_stored_job(name: JobName, stored: dict[str, str]) -> Job:
    """A job. Raises StoreUnreadable."""
    with named(f"job {name.id}"):
        ended = stored.get("ended")
        return parse_job(
            name,
            stored["facts"],
            state=one_of(JOB_STATES, stored["state"]),
            error_code=stored.get("error", ""),
            ended_ms=moment(ended) if ended else None,
            progress=stored.get("progress", ""),
        )


def pack_probes(probes: Sequence[Probe]) -> str:
    """As a JSON array with an array for each provider."""
    rows = [(p.provider, p.status, p.latency_ms, p.checked_ms, p.fresh_until_ms, dict(p.listed)) for p in probes]
    return compact((_PROBES_VERSION, *rows))


def parse_probes(text: str) -> tuple[Probe, ...]:
    """Probes. Raises StoreUnreadable."""
    with named(PROBES):
        _version, *rows = json.loads(text)
        return tuple(parse_probe(*row) for row in rows)


def _limits(text: str, count: int) -> Limits:
    """So many limits, each empty where there is none."""
    found = [whole(value) if value else None for value in text.split(";")]
    if len(found) != count:
        raise ValueError
    return Limits(*found)


def _pack_limits(limits: Limits) -> str:
    return f"{pack_budget(limits)};{_pack(limits.rpm, limits.tpm)}"


def _pack(*values: Any) -> str:
    return ";".join("" if value is None else str(value) for value in values)
