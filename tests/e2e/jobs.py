"""Jobs over the wire: begun, looked at and waited for."""

import time

from tests.e2e.conftest import KEY
from tests.patience import patience

ENDS = {"succeeded", "failed", "cancelled"}


def begin(gateway, questions, key=KEY, idempotency=None, **fields):
    """POST it; the answer."""
    headers = {"authorization": f"Bearer {key}"}
    headers |= {"idempotency-key": idempotency} if idempotency else {}
    return gateway.post("/ask?mode=job", json={"questions": questions, **fields}, headers=headers)


def begun(gateway, questions, key=KEY, **fields):
    """The id of a job that was accepted."""
    answer = begin(gateway, questions, key, **fields)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/ask/{answer.json()['id']}"
    return answer.json()["id"]


def look(gateway, job_id, key=KEY, **page):
    return gateway.get(f"/ask/{job_id}", params=page, headers={"authorization": f"Bearer {key}"})


def until(condition, what):
    """Wait until `condition()` is something."""
    end = time.monotonic() + patience(60)
    while not (found := condition()):
        assert time.monotonic() < end, what
        time.sleep(0.05)
    return found


def ended(gateway, job_id, key=KEY):
    """The job when it has ended, with its first 500 results by index."""

    def now():
        job = look(gateway, job_id, key, limit=500).json()
        return job if job["state"] in ENDS else None

    job = until(now, job_id)
    assert job["next"] is None or len(job["results"]) == 500
    return {**job, "results": sorted(job["results"], key=lambda result: result["index"])}
