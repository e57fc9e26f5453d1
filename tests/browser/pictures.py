"""Takes the pictures of the documentation: `make pictures`. The team in them, and what it spent, are made up."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.browser.drive import NO_BROWSER, NO_DRIVER, ROOT, browser_path, chromium, load_playwright, seeded, team
from tests.e2e.conftest import KEY, fork, stop

IMAGES = ROOT / "docs/images"
SIZE = {"width": 1280, "height": 860}
MOST_BYTES = 150_000
MESSAGE = {"messages": [{"role": "user", "content": "Hello"}], "model_group": "reasoning", "agent_id": "reviewer"}


def enter(page: Any, url: str, key: str) -> None:
    """Show the reports, all of them read."""
    page.goto(f"{url}/dashboard")
    page.fill("#key", key)
    page.press("#key", "Enter")
    page.wait_for_selector('#status:has-text("As of")')


def trouble(url: str, providers: str, key: str) -> str:
    """Have Anthropic fail until its breaker opens; the id of a request that another model answered."""
    httpx.post(f"{providers}/__faults", json={"provider": "anthropic", "kind": "server_error"}).raise_for_status()
    headers = {"authorization": f"Bearer {key}"}
    answers = [httpx.post(f"{url}/v1/complete", json=MESSAGE, headers=headers, timeout=60) for _ in range(6)]
    request_id: str = answers[0].json()["id"]
    return request_id


def section(page: Any, name: str, path: Path) -> None:
    """Of one part of the page."""
    page.locator(f"#{name}").scroll_into_view_if_needed()
    page.locator(f"#{name}").screenshot(path=path)


def take(browser: Any, url: str, key: str, request_id: str) -> None:
    """Light and dark, a phone, a request."""
    for scheme, name in (("light", "dashboard"), ("dark", "dashboard-dark")):
        page = browser.new_page(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
        enter(page, url, key)
        page.wait_for_timeout(200)
        page.screenshot(path=IMAGES / f"{name}.png")
        if scheme == "light":
            section(page, "providers", IMAGES / "dashboard-providers.png")
            section(page, "budgets", IMAGES / "dashboard-budgets.png")
            page.evaluate("scrollTo(0, 0)")
            page.fill("input[name=request_id]", request_id)
            page.press("input[name=request_id]", "Enter")
            page.wait_for_selector("dialog .request")
            page.locator("dialog").screenshot(path=IMAGES / "dashboard-request.png")
        page.close()
    page = browser.new_page(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    enter(page, url, key)
    page.wait_for_timeout(200)
    page.screenshot(path=IMAGES / "dashboard-phone.png")


def main() -> int:
    """Everything anew. 1 if one is too large for the repository, 2 if there is nothing to take them with."""
    playwright, path = load_playwright(), browser_path()
    if not playwright or not path:
        sys.exit(NO_DRIVER if path else NO_BROWSER)
    IMAGES.mkdir(exist_ok=True)
    stack = fork(GATEWAY_DEV_KEY=KEY, PROBE_INTERVAL_S="300")
    try:
        url = stack.urls["Gateway"].rstrip("/")
        found = re.search(r"^Simulated .* (http\S+)$", stack.text, re.MULTILINE)
        assert found
        made = seeded(stack.urls["Store"], team)
        request_id = trouble(url, found[1], made.key)
        with chromium(playwright, path) as browser:
            take(browser, url, made.key, request_id)
    finally:
        stop(stack)
    large = [image.name for image in IMAGES.glob("dashboard*.png") if image.stat().st_size > MOST_BYTES]
    return len(large) > 0


if __name__ == "__main__":
    raise SystemExit(main())
