"""/dashboard: the page's files, and what keeps them safe."""

import json
import re
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from gateway_core.api import dashboard
from gateway_core.api.app import create_app
from local.front import Front
from tests.classic import classic

ROOT = Path(__file__).parents[2]
FOLDER = Path(str(files("gateway_core"))) / "data/dashboard"
NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*"))
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
TYPES = {"js": "text/javascript", "css": "text/css", "html": "text/html", "txt": "text/plain"}


@pytest.fixture
async def browser(world):
    """A client that has no key."""
    transport = httpx.ASGITransport(create_app(world.services, dashboard.router))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield http


@pytest.mark.parametrize("name", ["", *(name for name in NAMES if not name.endswith(".md"))])
async def test_each_file_is_served_with_its_type_and_a_strict_policy(browser, name):
    """Without a key; the same again is 304."""
    path = f"/dashboard/{name}" if name else "/dashboard"
    answer = await browser.get(path)
    kind = TYPES[name.rpartition(".")[2] or "html"]
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{kind}; charset=utf-8")
    assert answer.content == (FOLDER / (name or "index.html")).read_bytes()
    again = await browser.get(path, headers={"if-none-match": f'"x", W/{answer.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    for found in (answer, again):
        told = dict(part.strip().split(" ", 1) for part in found.headers["content-security-policy"].split(";"))
        assert told == POLICY
        assert found.headers["x-content-type-options"] == "nosniff"
        assert found.headers["referrer-policy"] == "no-referrer"
        assert found.headers["cache-control"] == "no-cache"
        assert "set-cookie" not in found.headers


@pytest.mark.parametrize(
    "path", ["nothing.js", "../catalog.yaml", "vendor", "vendor/README.md", "..%2fcatalog.yaml", "/"]
)
async def test_there_is_nothing_else(browser, path):
    """Least of all what lies beside the folder."""
    assert (await browser.get(f"/dashboard/{path}")).status_code == 404


async def test_the_page_works_below_any_path(browser):
    """Its links are relative to where it is without a slash at its end, and lead to files that there are."""
    slash = await browser.get("/dashboard/")
    assert (slash.status_code, slash.headers["location"]) == (308, "../dashboard")
    page = (FOLDER / "index.html").read_text()
    links = re.findall(r'(?:src|href)="(?!#|data:)([^"]+)"', page)
    assert len(links) == 4
    assert {link.removeprefix("dashboard/") for link in links} <= set(NAMES)
    for name in NAMES:
        imports = re.findall(r'from "\./([^"]+)"', (FOLDER / name).read_text()) if "vendor" not in name else []
        assert set(imports) <= set(NAMES)


def test_nothing_of_it_is_inline_or_made_from_text():
    """What a policy forbids is not even tried, and no name of a caller's becomes markup."""
    page = (FOLDER / "index.html").read_text()
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", page)
    for name in (name for name in NAMES if name.endswith(".js") and "vendor" not in name):
        script = (FOLDER / name).read_text()
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|localStorage|cookie", script
        ), name
        assert len(script.splitlines()) < 300


def test_what_is_not_ours_is_what_its_page_says():
    """Unmodified, with its licence."""
    told = (FOLDER / "vendor/README.md").read_text()
    from hashlib import sha256  # noqa: PLC0415

    for name in (name for name in NAMES if name.startswith("vendor/") and not name.endswith(".md")):
        assert f"`{name[7:]}` | `{sha256((FOLDER / name).read_bytes()).hexdigest()}`" in told, name
    assert "MIT" in (FOLDER / "vendor/uPlot.LICENSE.txt").read_text()


async def test_it_knows_where_events_are_told(browser, world):
    """On AWS nowhere: then it asks for new records."""
    assert (await browser.get("/dashboard/settings.json")).json()["live"] == "records"
    app = create_app(world.services, dashboard.router)
    for functions, live in (({"usage": app, "events": app}, "events"), ({"usage": app}, "records")):
        front = Front(functions, world.services.telemetry and None)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=httpx.ASGITransport(front), base_url="http://gateway") as http:
            assert (await http.get("/dashboard/settings.json")).json()["live"] == live


def test_a_lambda_answers_with_text(world):
    """API Gateway would send what is encoded as it is."""
    app = create_app(world.services, dashboard.router)
    event = json.loads((ROOT / "events/dashboard.json").read_text())
    for path in ("/dashboard", "/dashboard/app.js", "/dashboard/vendor/uPlot.iife.min.js", "/dashboard/style.css"):
        answer = classic(app, {**event, "path": path})
        assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, False)
        assert answer["body"]
