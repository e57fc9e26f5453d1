"""What each process of `make test` has to do: it runs its share of the files, see `processes`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

COSTS: Mapping[str, int] = {
    "tests/contract": 49,
    "tests/contract/test_store": 17,
    "tests/e2e": 5,
    "tests/functions": 44,
    "tests/local": 28,
    "tests/local/providers": 12,
    "tests/template": 5,
    "tests/unit": 48,
}
"""About how many seconds by the clock tests take whose paths begin so; the longest beginning counts."""

UNMEASURED = (
    "tests/contract/test_aws_calls.py",
    "tests/contract/test_config_",
    "tests/contract/test_degraded",
    "tests/contract/test_job_files",
    "tests/contract/test_money",
    "tests/contract/test_replay",
    "tests/contract/test_spread",
    "tests/contract/test_store",
    "tests/contract/test_tokens",
    "tests/contract/test_upstash_layout",
    "tests/e2e/",
    "tests/functions/mcp_front/test_mcp_clients",
    "tests/functions/mcp_front/test_mcp_tools",
    "tests/functions/test_ask_faults",
    "tests/functions/test_durable",
    "tests/functions/test_forwarded_s",
    "tests/functions/test_reload",
    "tests/template/",
    "tests/unit/test_bookkeeper",
    "tests/unit/test_bootstrap",
    "tests/unit/test_deploy",
    "tests/unit/test_document",
    "tests/unit/test_environment",
    "tests/unit/test_job_",
    "tests/unit/test_validation_schemas",
)
"""What shows hardly a line that other tests do not reach, and lasts: measuring doubles the time of a test."""

LOADED = ("openai.resources", "moto.ssm.models", "moto.s3.models", "httpcore", "valkey.asyncio")
"""What tests of each share load only when they run, with hundreds of modules behind it."""


def part_of(path: str) -> str:
    """The beginning of COSTS that a file belongs to; empty for one of a new suite."""
    return max((part for part in COSTS if path.startswith(part)), key=len, default="")


@cache
def shares(workers: int) -> Mapping[str, int]:
    """Who runs each part: the costliest first, each to who has the least to do."""
    loads = [0] * workers
    found = {"": 0}
    for part in sorted(COSTS, key=lambda part: (-COSTS[part], part)):
        found[part] = loads.index(min(loads))
        loads[found[part]] += COSTS[part]
    return found


def share_of(path: str, workers: int) -> int:
    """Which of them runs the file, or the test that has its path before its name: the first is 0."""
    return shares(workers)[part_of(path)]


def is_measured(path: str) -> bool:
    """Whether the lines that the file's tests reach count as covered."""
    return not path.startswith(UNMEASURED)
