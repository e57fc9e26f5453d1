"""MCP clients at a gateway that takes keys and tokens: they work, or their user is told why not, as the page says."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import httpx
import pytest
import yaml

from local.providers import base_urls
from local.serving import bind
from tests.clients.access import EXPECTED, SCOPE, Ended, Reads, Shown, read_by, table
from tests.clients.access_clients import CLIENTS, Remote, Site
from tests.clients.issuer_server import LiveIssuer, issuing
from tests.clients.pages import PAGES
from tests.e2e.conftest import KEY, PROVIDER_KEYS, UNHURRIED, Stack, fork, stop
from tests.patience import patience

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.timeout(300)]

_LONG = {Shown.WRONG_KEY, Shown.EXPIRED, Shown.TOKEN}
"""Of each client one that works, and one whose user is told why not, show that it is there."""
_UNREADABLE = re.compile(r"ZodError|SyntaxError|invalid_type|Unexpected token|Invalid OAuth|ValidationError")
_MARKED = re.compile(r"<!-- mcp_access -->\n\n(.*?)\n\n<!-- end -->", re.DOTALL)


@pytest.fixture(scope="module")
def issuer() -> Iterator[LiveIssuer]:
    """Signs for a gateway at a port that is free now."""
    with contextlib.closing(bind()) as free:
        port = free.getsockname()[1]
    with issuing(f"http://127.0.0.1:{port}/mcp") as running:
        yield running


@pytest.fixture(scope="module")
def stack(providers_url: str, issuer: LiveIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A gateway that takes its tokens."""
    config = yaml.safe_load(Path(UNHURRIED["GATEWAY_CONFIG"]).read_text())
    config["oauth"] = {
        "issuer": issuer.issuer,
        "resource": issuer.audience,
        "jwks_url": f"{issuer.issuer}/jwks",
        "scopes": [SCOPE],
        "project": "dev",
    }
    file = tmp_path_factory.mktemp("access") / "config.yaml"
    file.write_text(yaml.safe_dump(config))
    port = str(httpx.URL(issuer.audience).port)
    own = {"GATEWAY_DEV_KEY": KEY, "GATEWAY_CONFIG": str(file), "PORT": port}
    running = fork(**PROVIDER_KEYS, **base_urls(providers_url), **own)
    yield running
    assert stop(running) == 0


@pytest.fixture(scope="module")
def site(node: str, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Where clients work."""
    return Site(node, stack.urls["Gateway"].rstrip("/"), tmp_path_factory.mktemp("homes"))


@pytest.fixture(scope="module")
def ended(site: Site, issuer: LiveIssuer) -> Callable[[str, Shown], Ended]:
    """How a client ended with each that may be shown. It is started for all of a part together."""

    @cache
    def tried(client: str, is_long: bool) -> dict[Shown, Ended]:
        return CLIENTS[client](site, {shown: shown.by(issuer) for shown in Shown if (shown in _LONG) == is_long})

    return lambda client, shown: tried(client, shown in _LONG)[shown]


@pytest.mark.parametrize("shown", [pytest.param(one, marks=[pytest.mark.long] * (one in _LONG)) for one in Shown])
@pytest.mark.parametrize("client", EXPECTED)
def test_a_client_works_or_tells_why_not(
    ended: Callable[[str, Shown], Ended], issuer: LiveIssuer, client: str, shown: Shown
) -> None:
    """In time, in the words that the table of the page has for it, and never by what it could not parse."""
    last = ended(client, shown)
    assert not _UNREADABLE.search(last.text), last.text
    assert read_by(shown, last, issuer.issuer) == EXPECTED[client][shown], last.text


def test_mcp_remote_signs_its_user_in(site: Site) -> None:
    """Without a header it finds the issuer by itself, and goes on as soon as its user has agreed."""
    with Remote(site) as remote:
        assert remote.hears("Waiting for authorization"), remote.text
        page = re.findall(r"^http\S+/authorize\?\S+", remote.text, re.MULTILINE)[-1]
        with httpx.Client(trust_env=False, follow_redirects=True, timeout=patience(20)) as browser:
            browser.get(page).raise_for_status()
        last = remote.ended()
    assert last.worked, last.text


def test_the_page_has_the_table() -> None:
    """Between its marks, and no client is left out."""
    assert list(CLIENTS) == list(EXPECTED)
    (marked,) = _MARKED.findall((PAGES / "mcp.md").read_text())
    assert marked == table()


def test_whoever_reads_less_than_the_reason_is_explained() -> None:
    """Each outcome of the table below it, and no other one."""
    outcomes = {reads for row in EXPECTED.values() for reads in row.values()}
    explained = set(re.findall(r"^\* \*(.*?)\*: ", table(), re.MULTILINE))
    assert {str(reads) for reads in outcomes} - explained == {Reads.WORKS, Reads.REASON}
    assert explained < outcomes
