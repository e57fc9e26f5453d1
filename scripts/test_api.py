#!/usr/bin/env python3
"""Asks a batch of questions at POST /ask, whole and then streamed, and says by its exit code whether that worked.

    GATEWAY_KEY=gk_... scripts/test_api.py
    GATEWAY_URL=http://localhost:8000 GATEWAY_KEY=gk_... scripts/test_api.py questions.json

GATEWAY_URL is http://127.0.0.1:8787 unless it is set, and GATEWAY_KEY gk_dev_local. GATEWAY_MODEL answers the questions
that name no model. The file holds a request of your own. Exit code 0: every question was answered, both times.
Standard library only, Python 3.10 or newer.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
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


def post(path: str, body: dict[str, Any]) -> Any:
    """The open answer. Raises urllib.error.HTTPError for another status than 2xx."""
    url = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8787").rstrip("/") + path
    if not url.startswith(("http://", "https://")):
        raise SystemExit("GATEWAY_URL must begin with http:// or https://.")
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {os.environ.get('GATEWAY_KEY', 'gk_dev_local')}",
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - see above
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
    with post("/ask", {**batch, "stream": True}) as answer:
        for line in answer:
            field, _, value = line.decode().rstrip("\n").partition(": ")
            if field == "event":
                name = value
            elif field == "data" and name == "result":
                yield json.loads(value)
            elif field == "data" and name == "error":
                print(f"The stream broke off: {value}", file=sys.stderr)


def failures(batch: dict[str, Any], results: list[dict[str, Any]]) -> list[str]:
    """Why not every question has its answer."""
    found = {result["index"]: result for result in results}
    told = []
    for question in batch["questions"]:
        result = found.get(question["index"], {"status": "missing", "error_message": "there is no result"})
        if result["status"] != "success":
            told.append(f"question {question['index']}: {result['error_message']}")
    return told


def main(arguments: list[str]) -> int:
    """Ask twice, print both, and count."""
    batch = with_model(json.loads(Path(arguments[0]).read_text("utf-8")) if arguments else EXAMPLE)
    try:
        with post("/ask", batch) as answer:
            whole = json.load(answer)
        print(json.dumps(whole, indent=2, ensure_ascii=False))
        results = []
        for result in streamed(batch):
            results.append(result)
            print(f"{len(results)}/{len(batch['questions'])}: question {result['index']} {result['status']}")
    except urllib.error.HTTPError as error:
        print(f"Error: {error.code}\n{error.read().decode(errors='replace')}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Error: no gateway answers: {error}", file=sys.stderr)
        return 1
    wrong = failures(batch, whole["results"]) + failures(batch, results)
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
