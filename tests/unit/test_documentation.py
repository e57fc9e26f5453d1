"""The documents agree with each other and with what there is."""

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from gateway_core import __version__
from gateway_core.config.catalog_loader import load_catalog

ROOT = Path(__file__).parents[2]
CORE = ROOT / "layers/gateway_core/src/gateway_core"
ARCHITECTURE = ROOT / "docs/architecture.md"
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")


@cache
def prose(page):
    """The page without its blocks of code."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


@cache
def anchors(page):
    """What can stand behind the `#` of a link to the page, made from its headings as GitHub does it."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page):
    """Page and anchor of each link that stays in the repository."""
    for link in LINK.findall(prose(page)):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    """Each page that is named exists, and has the heading."""
    missing = [(target.name, anchor) for target, anchor in links(page) if not target.exists()]
    assert missing == []
    assert [(target.name, anchor) for target, anchor in links(page) if anchor and anchor not in anchors(target)] == []


def test_the_readme_says_who_serves_each_name():
    """All of the catalog's, but for the local model, which is in no group."""
    rows = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    models = load_catalog().models.values()
    assert dict(rows) == {m.key: m.deployment.upstream_model for m in models if m.provider != "ollama"}


def test_decisions_are_numbered_without_a_gap():
    """By file name and title alike."""
    pages = sorted(ROOT.glob("docs/decisions/*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    titles = [page.read_text().partition("\n")[0] for page in pages]
    assert [title.split(". ")[0] for title in titles] == [f"# {number}" for number in range(1, len(pages) + 1)]


def test_the_changelogs_newest_version_is_the_packages():
    """With its day, newest first, below what is not released yet; the pyproject files and the package say the same."""
    first, *releases = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first == "Unreleased"
    found = [re.fullmatch(r"(\d+)\.(\d+)\.(\d+) - \d{4}-\d\d-\d\d", release) for release in releases]
    versions = [tuple(map(int, each.groups())) for each in found if each]
    assert len(versions) == len(releases)
    assert versions == sorted(versions, reverse=True)
    newest = releases[0].partition(" ")[0]
    projects = [ROOT / "pyproject.toml", ROOT / "layers/gateway_core/pyproject.toml"]
    assert {tomllib.loads(path.read_text())["project"]["version"] for path in projects} == {newest}
    assert __version__ == newest


def test_the_readme_names_every_page():
    """A page that nobody finds is not written."""
    named = {target for target, _ in links(ROOT / "README.md")}
    assert set(ROOT.glob("docs/*.md")) <= named


def test_the_map_names_every_room():
    """Each package and module of the core's root, and nothing that is not there."""
    table = ARCHITECTURE.read_text().partition("## Rooms")[2].partition("\n\n`")[0]
    rows = "".join(row.split("|")[1] for row in table.splitlines() if row.startswith("| `"))
    there = {
        path.stem for path in CORE.iterdir() if path.name not in {"__init__.py", "__pycache__", "data", "py.typed"}
    }
    assert set(re.findall(r"`(\w+)/?`", rows)) == there


def test_the_map_draws_the_floors_that_the_linter_holds():
    """As the import contract has them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert "```\n" + "\n".join(floors) + "\n```" in ARCHITECTURE.read_text()


def test_the_tests_that_are_named_exist():
    """As `file::function`, in whatever page; the pages name some."""
    named = {each for page in PAGES for each in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text())}
    assert len(named) > 15
    assert [each for each in sorted(named) if f"def {each[1]}(" not in (ROOT / each[0]).read_text()] == []


def words_of(text):
    """In small letters, one blank between them: `LimitCounter`, `limit_counter` and `Limit counter` are the same."""
    parts = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
    return re.sub(r"[\W\d_]+", " ", parts).lower().strip()


def test_the_glossary_is_sorted_and_its_words_are_in_use():
    """A word that nobody uses any more explains nothing. What is in brackets tells two meanings apart."""
    entries = re.findall(r"^\| \*\*(.+?)\*\* \|", ARCHITECTURE.read_text().partition("## Words")[2], re.MULTILINE)
    assert len(entries) > 100
    assert entries == sorted(set(entries), key=words_of)
    parts, kinds = ("functions", "layers", "local", "scripts", "tests"), ("*.py", "*.lua", "*.yaml")
    ends, sought = (" ", "s ", "es "), {entry: words_of(entry.partition(" (")[0]) for entry in entries}
    for part in parts:  # the largest is the last, and there are few words left by then
        files = [file for kind in kinds for file in (ROOT / part).rglob(kind) if "node_modules" not in file.parts]
        source = f" {words_of('\n'.join(file.read_text() for file in files))} " if sought else ""
        sought = {
            entry: words for entry, words in sought.items() if not any(f" {words}{end}" in source for end in ends)
        }
    assert sought == {}


def test_the_hops_of_a_request_name_files_that_exist():
    """Paths of the core, of the functions and of files beside the one named before them."""
    table = ARCHITECTURE.read_text().partition("## One request")[2].partition("\n## ")[0]
    for cell in (row.split("|")[2] for row in table.splitlines() if row.startswith("| ") and "`" in row.split("|")[2]):
        folder = ROOT
        for name in re.findall(r"`([\w/]+(?:\.py|/))`", cell):
            base = ROOT if name.startswith("functions/") else CORE if "/" in name else folder
            assert (base / name).exists(), name
            folder = (base / name).parent
