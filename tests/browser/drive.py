"""A Chromium and the stack that it looks at, for the tests and for the pictures of the documentation."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import site
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway_core.adapters.upstash import UpstashStore
from gateway_core.domain.caller import Limits
from tests.browser.seed import Project, Writer, project

ROOT = Path(__file__).parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_OPTIONS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--force-color-profile=srgb",
)
NO_BROWSER = f"no Chromium is here (Debian: chromium); looked for {', '.join(BROWSERS)}"
NO_DRIVER = "Playwright is not installed: make test-browser does it"
DOLLAR = 1_000_000_000


def browser_path() -> str | None:
    """The Chromium of this machine, or the one that BROWSER names."""
    found = (shutil.which(name) for name in (os.environ.get("BROWSER", ""), *BROWSERS) if name)
    return next((path for path in found if path), None)


def load_playwright() -> Any:
    """Playwright's module. It is in an environment of its own: nothing here needs its version of anything."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site.addsitedir(str(ROOT / ".tools/browser/lib" / version / "site-packages"))
    try:
        return importlib.import_module("playwright.sync_api")
    except ImportError:
        return None


@contextmanager
def chromium(playwright: Any, path: str) -> Iterator[Any]:
    """A headless one that is ended afterwards."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(_OPTIONS))
        yield browser
        browser.close()


def seeded(url: str, work: Callable[[UpstashStore], Coroutine[Any, Any, Any]]) -> Any:
    """What `work` does at a stack's store, outside of any loop that runs here."""

    async def run() -> Any:
        store = UpstashStore(url, "local", connect_timeout_s=30, timeout_s=30)
        try:
            return await work(store)
        finally:
            await store.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, run()).result()


def now_ms() -> int:
    """The machine's clock: the page asks for the days up to today."""
    return time.time_ns() // 1_000_000


async def team(store: UpstashStore, project_id: str = "research", each: int = 14) -> Project:
    """A project with a month behind it, some money held, and a budget that it has used up for the most part."""
    made = await project(store, project_id, Limits(day_nano=2 * DOLLAR, month_nano=50 * DOLLAR))
    for user, dollars in (("ada", 3), ("grace", 20), ("linus", 10)):
        await store.set_budget(project_id, user, Limits(month_nano=dollars * DOLLAR))
    writer = Writer(store, made, now_ms())
    await writer.month(each=each)
    await writer.holds()
    return made
