"""What loading LiteLLM leaves to the first call: the event loop stands still for whatever that has to import."""

from __future__ import annotations

import json
import subprocess
import sys

CODE = """
import asyncio, json, sys
from gateway_core.adapters.litellm import LiteLLMEngine
from gateway_core.adapters.litellm.rehearsal import rehearse
from gateway_core.adapters.upstream.provider import LazyEngine

async def main():
    loading, turns = asyncio.ensure_future(LazyEngine(LiteLLMEngine.load).get()), 0
    while not loading.done():
        await asyncio.sleep(0.001)
        turns += 1
    return await loading, turns

engine, turns = asyncio.run(main())
before = set(sys.modules)
rehearse(engine._library)
print(json.dumps({"turns": turns, "late": sorted(set(sys.modules) - before)}))
"""


def test_the_first_call_loads_nothing_more():
    """And the loop turns all the while that the library is loaded in its thread."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["late"] == []
    assert told["turns"] > 50
