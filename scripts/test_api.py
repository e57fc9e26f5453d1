#!/usr/bin/env python3
"""Asks a batch of questions at POST /ask, whole and then streamed, and says by its exit code whether that worked.

    GATEWAY_KEY=gk_... scripts/test_api.py
    GATEWAY_URL=http://localhost:8000 GATEWAY_KEY=gk_... scripts/test_api.py questions.json
    GATEWAY_KEY=gk_... scripts/test_api.py --job questions.json

GATEWAY_URL is http://127.0.0.1:8787 unless it is set, and GATEWAY_KEY gk_dev_local. GATEWAY_MODEL answers the questions
that name no model. The file holds a request of your own. With --job it is begun as a job, whose results are printed as
they come. Exit code 0: every question was answered, both times.
Standard library only, Python 3.10 or newer.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXAMPLE = {
    "questions": [
        {
            "index": 1,
            "question": "What is the approximate average temperature in Dublin, Ireland during January in Celsius?",
            "method": "sequential",
        },
        {
            "index": 2,
            "question": "Based on the previous answer ({Q1_result}), what type of clothing (e.g., light jacket, heavy "
            "coat, layers) would you recommend packing for a trip there in January?",
            "method": "sequential",
        },
        {"index": 3, "question": "What are the primary colors?", "method": "concurrent"},
    ]
}
TIMEOUT_S = 300
PAUSE_S = 0.5


def call(path: str, body: dict[str, Any] | None = None, **headers: str) -> Any:
    """POST a body, or GET; the open answer. Raises urllib.error.HTTPError for another status than 2xx."""
    url = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8787").rstrip("/") + path
    if not url.startswith(("http://", "https://")):
        raise SystemExit("GATEWAY_URL must begin with http:// or https://.")
    headers["content-type"] = "application/json"
    headers["authorization"] = f"Bearer {os.environ.get('GATEWAY_KEY', 'gk_dev_local')}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers)  # noqa: S310 - see above
    return urllib.request.urlopen(request, timeout=TIMEOUT_S)  # noqa: S310 - see above


def with_model(batch: dict[str, Any]) -> dict[str, Any]:
    """GATEWAY_MODEL for the questions without one."""
    model = os.environ.get("GATEWAY_MODEL")
    if not model:
        return batch
    return {**batch, "questions": [{"model": model, **question} for question in batch["questions"]]}


def streamed(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The results as they come."""
    name = ""
    with call("/ask", {**batch, "stream": True}) as answer:
        for line in answer:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data" and name == "result":
                yield json.loads(value)
            elif field == "data" and name == "error":
                print(f"The stream broke off: {value}", file=sys.stderr)


def as_job(batch: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The results of a job as they come, page by page. Sent again with its key, the request would begin no other."""
    with call("/ask?mode=job", batch, **{"idempotency-key": str(uuid.uuid4())}) as answer:
        job = json.load(answer)
    cursor: int | None = 0
    while cursor is not None:
        with call(f"/ask/{job['id']}?cursor={cursor}") as answer:
            page = json.load(answer)
        yield from page["results"]
        if not page["results"]:
            time.sleep(PAUSE_S)
        cursor = page["next"]
    print(f"{job['id']} {page['state']}: {page['cost']['total_usd']} USD")


def told(batch: dict[str, Any], results: Iterator[dict[str, Any]]) -> list[str]:
    """Print each as it comes; why not every question has its answer."""
    found = []
    for result in results:
        found.append(result)
        print(f"{len(found)}/{len(batch['questions'])}: question {result['index']} {result['status']}")
    return failures(batch, found)


def failures(batch: dict[str, Any], results: list[dict[str, Any]]) -> list[str]:
    """Why not every question has its answer."""
    found = {result["index"]: result for result in results}
    missing = []
    for question in batch["questions"]:
        result = found.get(question["index"], {"status": "missing", "error_message": "there is no result"})
        if result["status"] != "success":
            missing.append(f"question {question['index']}: {result['error_message']}")
    return missing


def main(arguments: list[str]) -> int:
    """Ask, print and count."""
    names = [argument for argument in arguments if argument != "--job"]
    batch = with_model(json.loads(Path(names[0]).read_text("utf-8")) if names else EXAMPLE)
    try:
        wrong = told(batch, as_job(batch)) if "--job" in arguments else twice(batch)
    except urllib.error.HTTPError as error:
        print(f"Error: {error.code}\n{error.read().decode(errors='replace')}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Error: no gateway answers: {error}", file=sys.stderr)
        return 1
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


def twice(batch: dict[str, Any]) -> list[str]:
    """Whole, then streamed; why not every question has its answer."""
    with call("/ask", batch) as answer:
        whole = json.load(answer)
    print(json.dumps(whole, indent=2, ensure_ascii=False))
    wrong = failures(batch, whole["results"])
    return wrong + told(batch, streamed(batch))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
