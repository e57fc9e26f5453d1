"""`litellm.acompletion` without a gateway around it: a process that is asked, and answers, by lines of JSON."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any


async def once(litellm: Any, body: Mapping[str, Any]) -> tuple[float, float]:
    """Seconds to the first content and to the end."""
    began, first = time.perf_counter(), 0.0
    answer = await litellm.acompletion(**body, api_base=os.environ["OPENAI_API_BASE"], api_key="simulated")
    if body.get("stream"):
        words = 0
        async for chunk in answer:
            if chunk.choices and chunk.choices[0].delta.content:
                first = first or time.perf_counter()
                words += 1
    else:
        words = len(answer.choices[0].message.content.split())
    if words < int(os.environ["WORDS"]):
        raise RuntimeError(f"{words} words: {answer!r}")
    ended = time.perf_counter()
    return (first or ended) - began, ended - began


async def many(litellm: Any, body: Mapping[str, Any], count: int, callers: int) -> list[tuple[float, float]]:
    """So many, by callers who ask again as soon as they are answered."""
    seen: list[tuple[float, float]] = []

    async def call(number: int) -> None:
        seen.extend([await once(litellm, body) for _ in range(number)])

    await asyncio.gather(*(call(count // callers) for _ in range(callers)))
    return seen


async def main() -> None:
    """Serve the orders on stdin."""
    import litellm  # noqa: PLC0415 - seconds, which the caller waits for

    litellm.telemetry = False
    while line := await asyncio.to_thread(sys.stdin.readline):  # what it logs in the background goes on meanwhile
        order = json.loads(line)
        began = time.process_time()
        seen = await many(litellm, order["body"], order["count"], order["callers"])
        print(json.dumps({"cpu_s": time.process_time() - began, "seen": seen}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
