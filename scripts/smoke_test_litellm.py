#!/usr/bin/env python3
"""Asks models for one word each, through the gateway, and says by its exit code whether all of them answered.

    GATEWAY_KEY=gk_... scripts/smoke_test_litellm.py
    GATEWAY_KEY=gk_... scripts/smoke_test_litellm.py gpt-5.1 claude-sonnet-4 code

The arguments are models or groups; without any it is the group `fast`. GATEWAY_URL is http://127.0.0.1:8787 unless it
is set, and GATEWAY_KEY gk_dev_local. scripts/smoke.sh checks a whole deployment. Standard library only, Python 3.10 or
newer.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from typing import Any

PROMPT = "Reply with the word pong."
MOST_TOKENS = 24
TIMEOUT_S = 120


def complete(model: str) -> dict[str, Any]:
    """The answer on OpenAI's wire, which takes models and groups alike. Raises HTTPError, OSError."""
    url = os.environ.get("GATEWAY_URL", "http://127.0.0.1:8787").rstrip("/") + "/v1/chat/completions"
    if not url.startswith(("http://", "https://")):
        raise SystemExit("GATEWAY_URL must begin with http:// or https://.")
    body = {"model": model, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": MOST_TOKENS}
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {os.environ.get('GATEWAY_KEY', 'gk_dev_local')}",
    }
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - see above
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - see above
        told: dict[str, Any] = json.load(answer)
        return told


def explain(error: urllib.error.HTTPError) -> str:
    """The gateway's own words, if it is one."""
    try:
        told = json.load(error)["error"]
        return f"HTTP {error.code}, {told['code']}: {told['message']}"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {error.code}"


def check(model: str) -> bool:
    """One line: PASS or FAIL, how long it took, who answered."""
    began = time.monotonic()
    try:
        answer = complete(model)
        message = answer["choices"][0]["message"]
        passed, note = True, f"{answer['model']} said {(message['content'] or '').strip()[:60]!r}"
    except urllib.error.HTTPError as error:
        passed, note = False, explain(error)
    except OSError as error:
        passed, note = False, f"no gateway answers: {error}"
    took_ms = round((time.monotonic() - began) * 1000)
    print(f"{'PASS' if passed else 'FAIL'}  {took_ms:>6} ms  {model}: {note}", flush=True)
    return passed


def main(models: list[str]) -> int:
    """All of them, in order."""
    return 0 if all([check(model) for model in models or ["fast"]]) else 1  # noqa: C419 - each is to be asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
