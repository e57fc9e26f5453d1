"""The dashboard as people see it: in a Chromium without a window, over the running stack."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from gateway_core.adapters.upstash import UpstashStore
from tests.browser.drive import NO_BROWSER, NO_DRIVER, browser_path, chromium, load_playwright, now_ms, seeded, team
from tests.browser.seed import Project, Writer, project
from tests.e2e.conftest import KEY, Stack, fork, stop
from tests.patience import patience

HERE = Path(__file__).parent
AXE = HERE / "node_modules/axe-core/axe.min.js"
MARKUP = "<img src=x onerror=\"document.title='broken'\">"
"""What a caller may name an agent."""
_WATCH = (
    """addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI));"""
)


@dataclass
class Site:
    """A stack with a month in it: a project's own key, one that is revoked, one of nobody's, and odd names."""

    stack: Stack
    team: Project
    empty: Project
    odd: Project
    revoked: Project
    admin: str = KEY

    @property
    def url(self) -> str:
        return self.stack.urls["Gateway"].rstrip("/")

    def api(self, key: str) -> httpx.Client:
        """Asks the API as the page does."""
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {key}"}, timeout=patience(30))

    def report(self, key: str, **query: str) -> Any:
        """What GET /v1/usage tells."""
        with self.api(key) as api:
            return api.get("/v1/usage", params=query).json()


async def _seed(store: UpstashStore) -> tuple[Project, ...]:
    found = await team(store, each=4), *[await project(store, name) for name in ("empty", "odd", "gone")]
    writer = Writer(store, found[2], now_ms())
    ticket = await writer.ticket(now_ms() - 5000, agent_id=MARKUP, user_id=MARKUP)
    await writer.write(ticket, model=MARKUP, provider=MARKUP, session_id=MARKUP, error_code="provider_error")
    await store.revoke_key(found[3].key_id, now_ms=now_ms())
    return found


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """One for all tests. They write to the project `odd` alone."""
    stack = fork(GATEWAY_DEV_KEY=KEY)
    yield Site(stack, *seeded(stack.urls["Store"], _seed))
    assert stop(stack) == 0


@pytest.fixture(scope="session")
def browser(site: Site) -> Iterator[Any]:
    """A Chromium of this machine."""
    playwright, path = load_playwright(), browser_path()
    if not path:
        pytest.skip(NO_BROWSER)
    assert playwright, NO_DRIVER
    with chromium(playwright, path) as found:
        yield found


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as npm has it."""
    if not AXE.exists():
        options = "--ignore-scripts --no-fund --no-audit --loglevel=error"
        done = subprocess.run(f"npm ci {options}".split(), cwd=HERE, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"axe-core is not installed, and npm does not bring it: {done.stderr.strip()[:200]}")
    return AXE.read_text()


@dataclass
class Visit:
    """A page, with what it complained of. `expected` says which complaints a test means to see."""

    page: Any
    site: Site
    complaints: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    expected: str = ""

    def enter(self, key: str) -> None:
        """Type a key in, and wait until everything is shown."""
        self.page.fill("#key", key)
        self.page.press("#key", "Enter")
        self.shown()

    def shown(self) -> None:
        """Wait for the last section."""
        self.page.wait_for_selector('#status:has-text("As of")')

    def text(self, selector: str) -> str:
        found: str = self.page.inner_text(selector)
        return found

    def rows(self, selector: str) -> list[list[str]]:
        """The cells of a table's body, also where it is folded away."""
        script = "t => [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))"
        found: list[list[str]] = self.page.locator(selector).first.evaluate(script)
        return found

    def faults(self, axe: str) -> list[str]:
        """What axe finds wrong."""
        self.page.evaluate(axe)
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{each['id']}: {each['nodes'][0]['html'][:160]} {each['nodes'][0]['failureSummary']}"
            for each in found["violations"]
        ]


@pytest.fixture
def visit(site: Site, browser: Any) -> Iterator[Callable[..., Visit]]:
    """Open the page. In the end none may have complained, asked anybody else, or kept anything."""
    visits: list[Visit] = []

    def opened(*, scheme: str = "light", width: int = 1280, path: str = "/dashboard", prepare: Any = None) -> Visit:
        context = browser.new_context(
            color_scheme=scheme, viewport={"width": width, "height": 800}, reduced_motion="reduce"
        )
        context.set_default_timeout(patience(10_000))
        context.add_init_script(_WATCH)
        found = Visit(context.new_page(), site)
        visits.append(found)
        found.page.on(
            "console", lambda told: found.complaints.append(told.text) if told.type in ("error", "warning") else None
        )
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.on("request", lambda asked: found.asked.add(urlsplit(asked.url).netloc))
        if prepare:
            prepare(found.page)
        found.page.goto(site.url + path)
        return found

    yield opened
    for each in visits:
        each.page.unroute_all(behavior="ignoreErrors")
        assert [told for told in each.complaints if not each.expected or each.expected not in told] == []
        assert each.asked <= {urlsplit(site.url).netloc, ""}
        assert each.page.context.cookies() == []
        assert each.page.evaluate("Object.keys(localStorage)") == []
        each.page.context.close()
