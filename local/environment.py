"""Decides what runs locally and what is real, from the environment alone.

White space around a value counts for nothing, as everywhere in the gateway.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway_core.config.environment import DATABASE, Environment
from gateway_core.store.placement import FIRST
from local.loopback import LOOPBACK

PROVIDERS = ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK")
MOST_PORT = 65535
MOST_DRAIN_S = 900
MOST_INTERVAL_S = 86_400
MOST_WORKERS = 64
MOST_USUAL_WORKERS = 8
"""Unless more are wanted: each takes memory of its own."""
_CPU_MAX = Path("/sys/fs/cgroup/cpu.max")


class StackError(Exception):
    """The local stack cannot start; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class LocalEnvironment:
    """Addresses and choices of the local stack.

    `store_dir` is where the store's data is kept, in memory if empty. `databases` are those of ours beside the first.
    `makes_key` is whether a development key is made up when none is given. `drain_s` is how long requests in flight may
    take to finish once it is told to stop. `workers` is how many processes serve. `probe_interval_s` is the time
    between two probes of the providers, 0 for none; `invoice_interval_s` the same of what they bill.
    """

    host: str
    port: int
    drain_s: int
    workers: int
    probe_interval_s: int
    invoice_interval_s: int
    store_port: int
    store_token: str
    store_dir: str
    databases: tuple[str, ...]
    providers_port: int
    dev_key: str
    makes_key: bool
    real_store: bool
    simulated: tuple[str, ...]
    keyless: tuple[str, ...]


def read(environ: Mapping[str, str]) -> LocalEnvironment:
    """Read the choices. Raises StackError.

    A provider with neither a key nor a base URL is simulated. Not so where others than this machine can reach the
    gateway, as in a container: no answer is made up there unless LOCAL_SIMULATE is 1, and no key at all.
    """
    env = Environment(environ)
    host = env.text("HOST") or LOOPBACK
    private = host == LOOPBACK
    simulates = _flag(env, "LOCAL_SIMULATE", default=private)
    keyless = [name for name in PROVIDERS if not env.text(f"{name}_API_KEY")]
    unset = [name for name in keyless if not env.text(f"{name}_API_BASE")]
    return LocalEnvironment(
        host=host,
        port=_number(env, "PORT", 8787, MOST_PORT),
        drain_s=_number(env, "DRAIN_S", 1, MOST_DRAIN_S),
        workers=_workers(env, default=1 if private else min(processors(), MOST_USUAL_WORKERS)),
        probe_interval_s=_number(env, "PROBE_INTERVAL_S", 300, MOST_INTERVAL_S),
        invoice_interval_s=_number(env, "INVOICE_INTERVAL_S", 3600, MOST_INTERVAL_S),
        store_port=_number(env, "LOCAL_STORE_PORT", 8788, MOST_PORT),
        store_token=env.text("LOCAL_STORE_TOKEN") or "local",
        store_dir=env.text("LOCAL_STORE_DIR") or "",
        databases=_databases(env),
        providers_port=_number(env, "LOCAL_PROVIDERS_PORT", 8789, MOST_PORT),
        dev_key=env.text("GATEWAY_DEV_KEY") or "",
        makes_key=private,
        real_store=env.text("UPSTASH_REDIS_REST_URL") is not None,
        simulated=tuple(unset) if simulates else (),
        keyless=tuple(name for name in keyless if name not in unset),
    )


def processors(cpu_max: Path = _CPU_MAX) -> int:
    """How many this process may use, at least 1: a container's quota may be less than the machine has."""
    there = os.cpu_count() or 1
    try:
        quota, period = cpu_max.read_text(encoding="ascii").split()
        return max(1, min(there, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError, ZeroDivisionError):  # no such limit here
        return there


def _databases(env: Environment) -> tuple[str, ...]:
    names = tuple(name.lower() for name in env.names("LOCAL_DATABASES"))
    if names and env.text("UPSTASH_REDIS_REST_URL"):
        raise StackError("LOCAL_DATABASES are beside a store of the stack's own: unset UPSTASH_REDIS_REST_URL.")
    if len({*names, FIRST}) <= len(names) or not all(map(DATABASE.fullmatch, names)):
        raise StackError(f"LOCAL_DATABASES must be names like east,west, each once, and none of them {FIRST!r}.")
    return names


def _workers(env: Environment, default: int) -> int:
    number = _number(env, "WORKERS", default, MOST_WORKERS)
    if not number:
        raise StackError(f"WORKERS must be a number from 1 to {MOST_WORKERS}.")
    return number


def _flag(env: Environment, name: str, *, default: bool) -> bool:
    text = env.text(name) or str(int(default))
    if text not in {"0", "1"}:
        raise StackError(f"{name} must be 0 or 1, not {text!r}.")
    return text == "1"


def _number(env: Environment, name: str, default: int, most: int) -> int:
    text = env.text(name) or str(default)
    if not text.isdecimal() or int(text) > most:
        raise StackError(f"{name} must be a number from 0 to {most}, not {text!r}.")
    return int(text)
