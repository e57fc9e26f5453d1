"""A job as a store keeps it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway_core.domain.answer import Usage
from gateway_core.domain.caller import Attribution
from gateway_core.store.jobs import Job, JobName, JobProgress, pack_facts, pack_progress, parse_job

JOB = Job(JobName("alpha", "0" * 32), "alpha", "digest", Attribution("alpha", "agent", "bob"), 5, 9, 2, "body")
PROGRESS = JobProgress(answered=1, usage=Usage(3, 4))


@pytest.mark.parametrize("progress", [PROGRESS, JobProgress()])
def test_it_comes_back_as_it_was_packed(progress):
    """Its facts, and how far it is; before it began there is nothing of that."""
    packed = pack_progress(progress) if progress == PROGRESS else ""
    found = parse_job(JOB.name, pack_facts(JOB), state="running", error_code="", ended_ms=None, progress=packed)
    assert found == replace(JOB, state="running", progress=progress)


def test_a_moment_without_a_date_is_none():
    """It would break whoever shows it."""
    facts = pack_facts(replace(JOB, until_ms=10**18))
    with pytest.raises(ValueError, match="1000000000000000000"):
        parse_job(JOB.name, facts, state="queued", error_code="", ended_ms=None, progress="")
