"""Each block of the documents is run or checked by a test that is known, or is among the few that nobody can run."""

import pytest

from tests.documents.claims import CLAIMS
from tests.documents.fences import ROOT, fences
from tests.documents.selections import ONLY_SHOWN, is_only_shown

LANGUAGES = ("bash", "console", "js", "json", "lua", "python", "sh", "toml", "yaml")
"""Others are pictures, lines of a log and what a command prints."""
FENCES = [fence for fence in fences() if fence.language in LANGUAGES]
MOST_SHOWN = 13


def claimed(fence):
    """Whether a test takes it."""
    return any(claim.fits(fence) for claim in CLAIMS)


def test_there_are_blocks():
    """Of every kind; a pattern that finds none would pass the rest."""
    assert len(FENCES) > 250
    assert {fence.language for fence in FENCES} == set(LANGUAGES) - {"bash"}
    assert {fence.language for fence in fences()} - set(LANGUAGES) == {"", "mermaid", "text"}


def test_no_block_is_without_a_test():
    """A new one is taken by the test of its page, or wants a claim in tests/documents/claims.py."""
    assert [fence.name for fence in FENCES if not claimed(fence) and not is_only_shown(fence)] == []


def test_no_block_is_run_twice():
    """Two suites that take the same block do not both mean it; a program's settings may be read beside."""
    takers = {fence.name: [claim.by for claim in CLAIMS if claim.fits(fence)] for fence in FENCES}
    assert [
        by for by in takers.values() if len(by) > 1 and not any("test_mcp_client_pages" in each for each in by)
    ] == []


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.by)
def test_who_claims_a_block_is_there(claim):
    """There is such a block, and the function in its file, which names the page or takes its blocks from here."""
    path, _, function = claim.by.partition("::")
    source = (ROOT / path).read_text("utf-8")
    assert f"def {function}(" in source
    pages = {fence.page for fence in FENCES if claim.fits(fence)}
    assert pages
    takes_them = any(module in source for module in ("tests.documents", "tests.e2e.commands", "scripts.openapi"))
    assert takes_them or all(page.rpartition("/")[2] in source for page in pages)


def test_few_are_only_shown():
    """Each is still there, and none is among what the suites for commands take."""
    assert len(ONLY_SHOWN) == MOST_SHOWN
    shown = [fence for fence in FENCES if is_only_shown(fence)]
    assert len(shown) == MOST_SHOWN
    typed = [fence.name for fence in shown if claimed(fence)]
    assert typed == ["docs/observability.md:54", "docs/providers.md:57"]  # of which the second half is started
