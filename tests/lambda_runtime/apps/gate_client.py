"""The app's side of the test's gate."""

import asyncio
import os


class Gate:
    """One connection to the test. `say` returns when the test lets the app go on."""

    async def __aenter__(self):
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", int(os.environ["GATE_PORT"]))
        return self

    async def __aexit__(self, *exc):
        self._writer.close()

    async def say(self, text):
        self._writer.write(f"{text}\n".encode())
        await self._reader.readline()
