"""TensorZero's gateway, which its Python package embeds, until it is ended: `serve_tensorzero.py CONFIG`."""

import asyncio
import sys

from tensorzero import tensorzero


async def serve() -> None:
    starting = tensorzero._start_http_gateway(  # noqa: SLF001 - there is no other way without Docker
        config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=True
    )
    gateway = await starting
    print(gateway.base_url, flush=True)
    await asyncio.Event().wait()


asyncio.run(serve())
