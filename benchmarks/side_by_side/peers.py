"""Who is compared: how each is started against the simulated providers, and what it does for a request meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import io
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks.side_by_side.client import WORDS, BadAnswer, Connection, Door
from benchmarks.side_by_side.install import LITELLM, PORTKEY, PORTKEY_PACKAGE, TENSORZERO, Unavailable, by_npm, by_pip
from benchmarks.side_by_side.measuring import Library, Measured, Served
from benchmarks.side_by_side.processes import Program, running
from gateway_core.cli.main import main as command_line
from local.providers import base_urls
from local.valkey import free_port

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
MODEL = "gpt-5.1"
_KEY, _TOKEN, _MASTER = "gk_dev_bench", "bench", "sk-bench"
_READY_S = 120.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Place:
    """Where they run: a folder for their files, the simulator, and where peers are installed."""

    stack: ExitStack
    folder: Path
    providers_url: str
    tools: Path

    @property
    def openai(self) -> str:
        return base_urls(self.providers_url)["OPENAI_API_BASE"]

    def run(self, name: str, command: list[str], environ: Mapping[str, str], folder: Path = ROOT) -> Program:
        """Until all is over."""
        return self.stack.enter_context(running(command, environ, self.folder / f"{name}.log", folder))


def own(place: Place, name: str, module: str, *options: str, **environ: str) -> Program:
    """A module of this checkout."""
    path = {"PYTHONPATH": f"{ROOT / 'layers/gateway_core/src'}:{ROOT}"}
    return place.run(name, [sys.executable, "-m", module, *options], {**path, **environ})


async def ready(program: Program, door: Door) -> None:
    """Once it has answered. Raises Unavailable where it ends or does not answer in time."""
    loop = asyncio.get_running_loop()
    end_s, why = loop.time() + _READY_S, "silent"
    while loop.time() < end_s and not program.has_ended():
        try:
            connection = await Connection.open(door.url)
            for streams in (False, True):
                await connection.ask(door.request(streams=streams), streams=streams)
        except (BadAnswer, OSError) as error:
            why = str(error)
            await asyncio.sleep(_LOOK_S)
        else:
            connection.close()
            return
    raise Unavailable(f"it did not answer: {why}; {program.said()}")


def chat(port: int, model: str = MODEL, key: str = "simulated", path: str = "/v1", **headers: str) -> Door:
    """OpenAI's chat form on this machine."""
    told = {"authorization": f"Bearer {key}", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Door(f"http://127.0.0.1:{port}{path}/chat/completions", model, told)


async def direct(place: Place) -> Measured:
    return Served(Door(f"{place.openai}/chat/completions", MODEL, {"authorization": "Bearer simulated"}), ())


async def passthrough(place: Place) -> Measured:
    port = free_port()
    program = own(
        place, "pass-through", "benchmarks.side_by_side.passthrough", PORT=str(port), OPENAI_API_BASE=place.openai
    )
    await ready(program, chat(port))
    return Served(chat(port), [program.pid])


async def bare(place: Place) -> Measured:
    environ = {"OPENAI_API_BASE": place.openai, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "WORDS": str(WORDS)}
    command = [sys.executable, "-P", str(HERE / "bare.py")]
    process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own program
        command, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    place.stack.callback(process.wait)
    place.stack.callback(process.terminate)
    return Library(process, f"openai/{MODEL}")


async def ours(place: Place, name: str, *, apart: bool, config: str = "") -> Measured:
    """With a store of its own as `make run` has it, or `apart`: then the gateway is one process, as in a container."""
    port, store_port = free_port(), free_port()
    environ = {"PORT": str(port), "GATEWAY_DEV_KEY": _KEY, "PROBE_INTERVAL_S": "0", "LOG_LEVEL": "ERROR"}
    environ |= {f"{provider}_API_KEY": "simulated" for provider in ("ANTHROPIC", "OPENAI", "GEMINI", "DEEPSEEK")}
    environ |= base_urls(place.providers_url)
    (written := place.folder / f"{name}.yaml").write_text(config)
    environ["GATEWAY_CONFIG"] = str(written)
    there = {"UPSTASH_REDIS_REST_URL": f"http://127.0.0.1:{store_port}", "UPSTASH_REDIS_REST_TOKEN": _TOKEN}
    beside = []
    if apart:
        beside = [own(place, f"{name}'s store", "local.upstash", "--port", str(store_port), "--token", _TOKEN).pid]
        environ |= there
        await _listening(store_port)
    else:
        environ |= {"LOCAL_STORE_PORT": str(store_port), "LOCAL_STORE_TOKEN": _TOKEN}
    program = own(place, name, "local", **environ)
    await ready(program, door := chat(port, key=_KEY))
    await asyncio.to_thread(_limit, there)
    return Served(door, [program.pid], beside)


def _limit(store: Mapping[str, str]) -> None:
    """So that each request holds money of two budgets."""
    with contextlib.redirect_stdout(io.StringIO()) as said:
        limits = ["--day-usd", "100000", "--month-usd", "1000000"]
        if command_line(["budgets", "set", "--project", "dev", *limits], store):
            raise RuntimeError(f"the project got no budget: {said.getvalue()}")


async def _listening(port: int) -> None:
    for _ in range(int(_READY_S / _LOOK_S)):
        try:
            (await asyncio.open_connection("127.0.0.1", port))[1].close()
        except OSError:
            await asyncio.sleep(_LOOK_S)
        else:
            return
    raise RuntimeError("the store did not start")


async def litellm(place: Place) -> Measured:
    python = await asyncio.to_thread(by_pip, place.tools, "litellm", LITELLM)
    port, config = free_port(), place.folder / "litellm.yaml"
    model = {"model": f"openai/{MODEL}", "api_base": place.openai, "api_key": "simulated"}
    told = {
        "model_list": [{"model_name": MODEL, "litellm_params": model}],
        "general_settings": {"master_key": _MASTER},
        "litellm_settings": {"telemetry": False},
    }
    config.write_text(yaml.safe_dump(told))
    command = [str(python.with_name("litellm")), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
    environ = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    program = place.run("litellm", [*command, "--num_workers", "1"], environ, place.folder)
    await ready(program, door := chat(port, key=_MASTER))
    return Served(door, [program.pid])


async def tensorzero(place: Place) -> Measured:
    python = await asyncio.to_thread(by_pip, place.tools, "tensorzero", TENSORZERO)
    config = place.folder / "tensorzero.toml"
    config.write_text(
        f"[gateway]\nobservability.enabled = false\n"
        f'[models.m]\nrouting = ["sim"]\n[models.m.providers.sim]\ntype = "openai"\nmodel_name = "{MODEL}"\n'
        f'api_base = "{place.openai}/"\n'
    )
    command = [str(python), str(HERE / "serve_tensorzero.py"), str(config)]
    program = place.run("tensorzero", command, {"OPENAI_API_KEY": "simulated"}, place.folder)
    url = await _said(program, "http://")
    door = Door(f"{url}/chat/completions", "tensorzero::model_name::m", {"authorization": "Bearer none"})
    await ready(program, door)
    return Served(door, [program.pid])


async def _said(program: Program, start: str) -> str:
    """The line that begins so, once it is printed. Raises Unavailable where it is not."""
    for _ in range(int(_READY_S / _LOOK_S)):
        if found := [line for line in program.said().splitlines() if line.startswith(start)]:
            return found[0]
        if program.has_ended():
            break
        await asyncio.sleep(_LOOK_S)
    raise Unavailable(f"it did not start: {program.said()}")


async def portkey(place: Place) -> Measured:
    folder = await asyncio.to_thread(by_npm, place.tools, "portkey", PORTKEY_PACKAGE)
    port = free_port()
    command = ["node", str(folder / "node_modules" / PORTKEY / "build/start-server.js"), f"--port={port}", "--headless"]
    program = place.run("portkey", command, {"TRUSTED_CUSTOM_HOSTS": "127.0.0.1", "NODE_ENV": "production"}, folder)
    await ready(program, door := chat(port, x_portkey_provider="openai", x_portkey_custom_host=place.openai))
    return Served(door, [program.pid])
