"""What each function loads before its first request: cold starts grow by one import at a time."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "layers/gateway_core/src"
ENVIRON = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(CORE),
    "AWS_LAMBDA_FUNCTION_NAME": "f",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKID",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "GATEWAY_EVENT_BUS": "bus",
    "GATEWAY_ALLOW_HTTP": "1",
    "GATEWAY_ALLOWED_HOSTS": "127.0.0.1",
    "UPSTASH_REDIS_REST_URL": "http://127.0.0.1:9",
    "UPSTASH_REDIS_REST_TOKEN": "token",
}
UNBUILT = "unbuilt"
"""Said of MCP's models, if most have no validator yet."""
PROGRAM = """
import gc, os, sys
gc.disable()
import asyncio, logging.config, typing
import anyio, mangum, starlette.applications, yaml
from aws_lambda_powertools import Logger, Metrics
from pydantic import BaseModel
print(*sorted(sys.modules), flush=True)
import gateway_core.bootstrap
for step in sys.argv[1:]:
    if not os.path.isabs(step):
        exec(step)
    elif not (child := os.fork()):
        sys.path.insert(0, step)
        import app
        import gateway_core.adapters.secrets
        types = sys.modules.get("mcp_types")
        models = [one for one in vars(types).values() if hasattr(one, "__pydantic_complete__")] if types else []
        unbuilt = sum(not one.__pydantic_complete__ for one in models) > len(models) / 2
        print(*sorted(sys.modules), "UNBUILT" if unbuilt else "", flush=True)
        os._exit(0)
    elif code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(code)
""".replace("UNBUILT", UNBUILT)
"""Forks a process for each function from one that has what all or most of them load: nothing heavy, and of ours the
composition root, and what `STEPS` has it do. What a function would not load by itself counts as its own all the same.
"""
SCRIPTS = "from gateway_core.adapters.upstash.scripts import load_scripts; load_scripts()"
CATALOG = "from gateway_core.config.catalog_loader import load_catalog; load_catalog()"
SERVING = "import gateway_core.api.app, gateway_core.lambda_stream"
CALLING = """
import gateway_core.adapters.models, gateway_core.adapters.native, gateway_core.api.schemas, gateway_core.routing.plan
import gateway_core.batch.validation.registry, gateway_core.pipeline.gateway, gateway_core.pipeline.model_router
"""
STEPS = ("preflight", SCRIPTS, "mcp", CATALOG, "replay", SERVING, "admin", "health", "models", "usage", CALLING)
"""Functions, and what all that come later would do each for itself."""
HEAVY = {
    "boto3",
    "botocore.session",
    "fastapi",
    "httpx",
    "litellm",
    "openai",
    "opentelemetry",
    "requests",
    "tiktoken",
    "urllib3",
}
"""Modules, most of which take a tenth of a second or more. Powertools loads botocore, but no module in it."""
CALLS_MODELS = {"api.schemas", "batch", "adapters.upstream", "pipeline.gateway", "wires.codecs", "routing.plan"}
"""Rooms and modules of ours that only callers of models need."""
OURS = {
    "admin": 222,
    "ask": 331,
    "complete": 324,
    "embed": 326,
    "health": 207,
    "mcp": 243,
    "models": 210,
    "preflight": 180,
    "replay": 178,
    "stream": 365,
    "tokens": 335,
    "usage": 221,
}
"""How many modules of ours a function may load."""
FOLDERS = sorted(path.parent.name for path in ROOT.glob("functions/*/app.py"))


@pytest.fixture(scope="module")
def loaded() -> dict[str, set[str]]:
    """The modules of each function as it is ready, its secrets read and its events under way, by AWS."""
    steps = [*STEPS, *(name for name in FOLDERS if name not in {"jobs", *STEPS})]
    names = [step for step in steps if step in FOLDERS]
    places = {name: str(ROOT / "functions" / name) for name in names}
    done = subprocess.run(
        (sys.executable, "-P", "-c", PROGRAM, *(places.get(step, step) for step in steps)),
        env=ENVIRON,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shared, *lines = (set(line.split()) for line in done.stdout.splitlines())
    assert {name for name in shared if name in HEAVY or name.startswith("gateway_core")} == set()
    return dict(zip(names, lines, strict=True))


@pytest.mark.parametrize("name", [name for name in FOLDERS if name != "jobs"])
def test_a_function_loads_what_it_needs(name, loaded):
    """No SDK, no framework that it does without, and no more of ours than today."""
    modules = loaded[name]
    allowed = {"opentelemetry"} if name == "mcp" else {"tiktoken", "requests", "urllib3"} if name == "tokens" else set()
    assert HEAVY & modules <= allowed
    assert (UNBUILT in modules) == (name == "mcp")
    ours = {module.removeprefix("gateway_core.") for module in modules if module.startswith("gateway_core.")}
    assert len(ours) <= OURS[name], f"{len(ours)} modules of ours"
    if name in {"admin", "health", "models", "usage"}:
        assert CALLS_MODELS & ours == set()
        assert {module for module in ours if module.startswith(("batch", "mcp_front"))} == set()


def test_each_function_has_its_number():
    """A new one as well; that of jobs has AWS's SDK, which its engine needs, and nobody waits for it."""
    assert OURS.keys() | {"jobs"} == set(FOLDERS)
